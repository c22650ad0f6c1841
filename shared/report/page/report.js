// The report's only script: tables and the view of one target, made of the JSON in this page.
//
// Texts are set as text and never as HTML (the page's policy forbids it: Trusted Types). Nothing is loaded and
// nothing is sent. What stands in the page's hash is what is shown, so every view has an address:
// #findings?severity=High, #targets?group=…, #/subscriptions/… for one target.
"use strict";
(() => {
  const PAGE = 50, PRINTED = 1000;
  const $ = (id) => document.getElementById(id);

  // --- elements ---------------------------------------------------------------------------------------

  const SVG = new Set(["svg", "g", "rect", "line", "path", "text", "title", "circle", "tspan"]);

  function el(tag, attributes = {}, ...parts) {
    const made = SVG.has(tag)
      ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...parts.flat().filter((part) => part !== null && part !== undefined));
    return made;
  }
  const bdi = (text) => el("bdi", {}, text);
  const badge = (text) => el("span", { class: `severity ${text.toLowerCase()}` }, text);
  const plural = (count, one, several) => `${count.toLocaleString("en")} ${count === 1 ? one : several}`;
  const say = (text) => { $("said").textContent = text; };

  // --- data -------------------------------------------------------------------------------------------

  async function read(id) {
    const held = $(id);
    if (!("packed" in held.dataset)) return JSON.parse(held.textContent);
    const bytes = Uint8Array.from(atob(held.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  function estateOf(data) {
    const targets = data.targets.map(
      ([prefix, name, kind, location, stands, kinds, compliant, details, error], number) => {
        const id = data.prefixes[prefix] + name;
        const group = /^\/subscriptions\/[^/]+(?:\/resourceGroups\/[^/]+)?/i.exec(id)[0];
        return { number, id, name, kind: data.kindNames[kind], location: data.locations[location], group,
          stands, kinds, compliant, details, error, groupName: group.split("/").pop() };
      });
    const kinds = data.kinds.map(
      ([policy, state, severity, isNew, exposed, reason, resource, controls, since], number) => {
        const [id, title, family] = data.policies[policy];
        return { number, id, title, family, state: data.states[state], severity: data.severities[severity],
          rank: severity, isNew, exposed, reason, resource, since,
          controls: controls.map((one) => data.controls[one]) };
      });
    const rows = targets.flatMap((target) => target.kinds.map((kind) => ({ target, kind: kinds[kind] })));
    rows.sort((a, b) => order(a.kind) - order(b.kind) || a.target.number - b.target.number);
    return { targets, rows, kinds, stands: data.stands,
      byId: new Map(targets.map((one) => [one.id.toLowerCase(), one])) };
  }

  const STATES = { NonCompliant: "not as it should be", Unknown: "not known", Error: "not known",
    Exempt: "exempt" };
  const isOpen = (kind) => kind.state === "Unknown" || kind.state === "Error";
  const order = (kind) => (kind.state === "NonCompliant" ? 0 : isOpen(kind) ? 10 : 20) + kind.rank;

  /** A text of which the target's own id, group and name were left out. */
  function filled(text, target) {
    return text.replaceAll("\u0001", target.id).replaceAll("\u0002", target.group)
      .replaceAll("\u0003", target.name);
  }
  const reasonOf = ({ kind, target }) => filled(kind.reason, target);
  const resourceOf = ({ kind, target }) => filled(kind.resource, target);
  const linkTo = (target) => `#${encodeURI(target.id).replaceAll("#", "%23").replaceAll("?", "%3F")}`;

  /** Words with what stands between backticks as code. */
  function coded(text) {
    return text.split("`").map((part, number) => number % 2 ? el("code", {}, bdi(part)) : bdi(part));
  }

  // --- CSV --------------------------------------------------------------------------------------------

  /** A cell that a spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection). */
  function cell(text) {
    const said = String(text);
    const harmless = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(said) ? `'${said}` : said;
    return `"${harmless.replaceAll('"', '""')}"`;
  }

  function download(name, heads, rows) {
    const text = [heads, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
    const address = URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }));
    const link = el("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    URL.revokeObjectURL(address);
    say(`${plural(rows.length, "row", "rows")} downloaded as ${name}`);
  }

  // --- tables -----------------------------------------------------------------------------------------

  class Table {
    /** `columns`: {label, show, sort, text}; `tests` by filter: (row, chosen) => whether it is shown. */
    constructor(name, rows, columns, tests, words) {
      Object.assign(this, { name, rows, columns, tests, words });
      this.filters = {};
      this.page = 0;
      this.sorted = null;
      this.down = false;
      this.size = PAGE;
      this.listen();
    }
    listen() {
      let waiting = 0;
      this.input("text").addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => this.choose("text", this.input("text").value), 120);
      });
      for (const key of this.selects()) {
        this.input(key).addEventListener("change", () => this.choose(key, this.input(key).value));
      }
      this.input("clear").addEventListener("click", () => this.set({}, true));
      this.input("csv").addEventListener("click", () => this.save());
    }
    input(key) { return $(`${this.name}-${key}`); }
    selects() {
      return [...$(this.name).querySelectorAll("select")].map((one) => one.dataset.filter);
    }
    choices(key, values, label = (value) => value) {
      this.input(key).append(...values.map((value) => el("option", { value }, label(value))));
    }
    choose(key, value) { this.set({ ...this.filters, [key]: value }, true); }
    /** Filters are what is chosen; an address may choose a group or a policy that is not there. */
    set(filters, tell = false) {
      this.filters = Object.fromEntries(Object.entries(filters).filter(([, value]) => value));
      this.page = 0;
      this.input("text").value = this.filters.text ?? "";
      for (const key of this.selects()) this.pick(this.input(key), this.filters[key] ?? "");
      if (tell) {
        const said = new URLSearchParams(this.filters).toString();
        history.replaceState(null, "", `#${this.name}${said ? `?${said}` : ""}`);
      }
      this.filter();
      this.draw();
    }
    /** Ids are compared without case. */
    pick(select, wanted) {
      select.value = [...select.options].find((one) => same(one.value, wanted))?.value ?? "";
    }
    filter() {
      const chosen = Object.entries(this.filters).filter(([key]) => Object.hasOwn(this.tests, key));
      this.found = this.rows.filter((row) => chosen.every(([key, value]) => this.tests[key](row, value)));
      if (this.sorted !== null) {
        const { sort } = this.columns[this.sorted];
        const sign = this.down ? -1 : 1;
        this.found.sort((a, b) => {
          const [x, y] = [sort(a), sort(b)];
          return sign * (typeof x === "number" ? x - y : x.localeCompare(y));
        });
      }
    }
    sortBy(number) {
      this.down = this.sorted === number && !this.down;
      this.sorted = number;
      this.page = 0;
      this.filter();
      this.draw();
      $(`${this.name}-table`).querySelectorAll("thead button")[number].focus();
    }
    draw() {
      const first = this.page * this.size;
      const shown = this.found.slice(first, first + this.size);
      const body = el("tbody", { role: "rowgroup" }, shown.map((row) => this.row(row)));
      const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, this.heads()));
      const box = $(`${this.name}-table`);
      box.replaceChildren(shown.length
        ? el("table", { role: "table", "aria-labelledby": `${this.name}-title` }, head, body)
        : el("p", { class: "soft" }, "Nothing is like that."));
      this.count(first, shown.length);
      this.pages(first);
    }
    heads() {
      return this.columns.map(({ label }, number) => {
        const way = this.sorted === number ? (this.down ? "descending" : "ascending") : null;
        const button = el("button", { type: "button", onclick: () => this.sortBy(number) }, label);
        return el("th", { scope: "col", role: "columnheader", "aria-sort": way }, button);
      });
    }
    row(row) {
      const cells = this.columns.map(({ label, show }, number) => number === 0
        ? el("th", { scope: "row", role: "rowheader" }, show(row))
        : el("td", { role: "cell", "data-label": label }, show(row)));
      return el("tr", { role: "row" }, cells);
    }
    count(first, shown) {
      const whole = plural(this.found.length, ...this.words);
      const of = this.found.length === this.rows.length ? "" : ` of ${this.rows.length.toLocaleString("en")}`;
      const part = shown < this.found.length ? `, ${first + 1} to ${first + shown} shown` : "";
      $(`${this.name}-count`).textContent = `${whole}${of}${part}`;
    }
    pages(first) {
      const last = first + this.size >= this.found.length;
      const turn = (label, by, off) => el("button", { type: "button", disabled: off ? "" : null,
        onclick: () => this.turn(by) }, label);
      $(`${this.name}-pages`).replaceChildren(...(this.found.length > this.size
        ? [turn("Previous", -1, first === 0), turn("Next", 1, last)] : []));
    }
    turn(by) {
      this.page += by;
      this.draw();
      $(this.name).focus({ preventScroll: true });
      $(`${this.name}-count`).scrollIntoView({ block: "start" });
    }
    save() {
      const rows = this.found.map((row) => this.columns.flatMap(({ text }) => text(row)));
      download(`driftward-${this.name}.csv`, this.columns.flatMap((one) => one.names ?? [one.label]), rows);
    }
    printing(whole) {
      this.size = whole ? PRINTED : PAGE;
      this.page = 0;
      this.draw();
    }
  }

  const targetCell = ({ target }) => [el("a", { href: linkTo(target) }, bdi(target.name)),
    el("small", { class: "soft" }, bdi(target.groupName))];
  const stateCell = ({ kind }) => kind.state === "NonCompliant" ? badge(kind.severity)
    : el("span", { class: `standing ${isOpen(kind) ? "unknown" : "exempt"}` }, STATES[kind.state]);

  function foundCell(row) {
    const parts = [bdi(reasonOf(row))];
    const resource = resourceOf(row);
    if (resource.toLowerCase() !== row.target.id.toLowerCase()) {
      parts.push(el("small", { class: "soft" }, bdi(resource.split("/").slice(-2).join("/"))));
    }
    if (!row.kind.isNew && row.kind.state === "NonCompliant") {
      parts.push(el("small", { class: "soft" }, "in the baseline"));
    }
    return parts;
  }

  const has = (text, wanted) => text.toLowerCase().includes(wanted.toLowerCase());
  const ofTarget = (target, wanted) => has(target.id, wanted) || has(target.location, wanted);
  const same = (one, other) => one.toLowerCase() === other.toLowerCase();

  function findingsTable(estate) {
    const columns = [
      { label: "Severity", names: ["severity", "state", "new", "exposed"], show: stateCell,
        sort: (row) => order(row.kind),
        text: ({ kind }) => [kind.severity, kind.state, kind.isNew ? "true" : "false",
          kind.exposed ? "true" : "false"] },
      { label: "Server or subnet", names: ["target", "location"], show: targetCell,
        sort: (row) => row.target.name, text: ({ target }) => [target.id, target.location] },
      { label: "Policy", names: ["policy", "title", "family"],
        show: ({ kind }) => [kind.title, el("small", { class: "soft" }, el("code", {}, kind.id))],
        sort: (row) => row.kind.title, text: ({ kind }) => [kind.id, kind.title, kind.family] },
      { label: "What was found", names: ["reason", "resourceId", "controls"], show: foundCell,
        sort: reasonOf,
        text: (row) => [reasonOf(row), resourceOf(row), row.kind.controls.join("; ")] },
    ];
    const tests = {
      text: (row, wanted) => has(row.kind.id, wanted) || has(row.kind.title, wanted)
        || ofTarget(row.target, wanted) || has(reasonOf(row), wanted)
        || row.kind.controls.some((one) => has(one, wanted)),
      severity: (row, wanted) => same(row.kind.severity, wanted),
      state: (row, wanted) => wanted === "open" ? isOpen(row.kind) : same(row.kind.state, wanted),
      family: (row, wanted) => same(row.kind.family, wanted),
      policy: (row, wanted) => same(row.kind.id, wanted),
      group: (row, wanted) => same(row.target.group, wanted),
      exposed: (row) => Boolean(row.kind.exposed) && row.kind.state === "NonCompliant",
    };
    const table = new Table("findings", estate.rows, columns, tests, ["finding", "findings"]);
    const once = (values) => [...new Set(values)];
    table.choices("severity", once([...estate.kinds].sort((a, b) => a.rank - b.rank)
      .map((one) => one.severity)));
    table.choices("state", ["NonCompliant", "open", "Exempt"],
      (one) => STATES[one === "open" ? "Unknown" : one]);
    table.choices("family", once(estate.kinds.map((one) => one.family)).sort(),
      (one) => one.replaceAll("_", " "));
    table.choices("policy", once(estate.kinds.map((one) => one.id)).sort());
    table.choices("exposed", ["yes"], () => "exposed now");
    table.choices("group", groupsOf(estate), groupLabel);
    return table;
  }

  const groupsOf = (estate) => [...new Map(estate.targets.map((one) => [one.group.toLowerCase(), one.group]))
    .values()].sort((a, b) => groupLabel(a).localeCompare(groupLabel(b)));
  const groupLabel = (group) => group.split("/").pop();

  function targetsTable(estate) {
    const kindsOf = (target) => target.kinds.map((one) => estate.kinds[one]);
    const wrong = (target) => kindsOf(target).filter((one) => one.state === "NonCompliant");
    const worst = (target) => wrong(target).reduce((rank, one) => Math.min(rank, one.rank), 9);
    const open = (target) => kindsOf(target).filter(isOpen);
    const said = (target) => estate.stands[target.stands];
    const marks = ["unmet", "unknown", "met", "silent"];
    const gravest = (target) => wrong(target).find((one) => one.rank === worst(target));
    const columns = [
      { label: "Name", names: ["id", "name"], sort: (row) => row.name,
        show: (row) => el("a", { href: linkTo(row) }, bdi(row.name)), text: (row) => [row.id, row.name] },
      { label: "Stands", names: ["stands"], sort: (row) => row.stands, text: (row) => [said(row)],
        show: (row) => el("span", { class: `standing ${marks[row.stands]}` }, said(row)) },
      { label: "Worst", names: ["worst"], sort: worst, text: (row) => [gravest(row)?.severity ?? ""],
        show: (row) => gravest(row) ? badge(gravest(row).severity) : el("span", { class: "none" }, "–") },
      { label: "Findings", names: ["findings"], sort: (row) => wrong(row).length,
        show: (row) => String(wrong(row).length), text: (row) => [wrong(row).length] },
      { label: "Not known", names: ["notKnown"], sort: (row) => open(row).length,
        show: (row) => String(open(row).length), text: (row) => [open(row).length] },
      { label: "Kind", names: ["kind"], sort: (row) => row.kind, show: (row) => row.kind,
        text: (row) => [row.kind] },
      { label: "Resource group", names: ["resourceGroup", "location", "error"],
        sort: (row) => row.groupName, text: (row) => [row.groupName, row.location, row.error],
        show: (row) => [bdi(row.groupName), el("small", { class: "soft" }, row.location)] },
    ];
    const tests = {
      text: (row, wanted) => ofTarget(row, wanted) || has(row.error, wanted),
      stands: (row, wanted) => same(said(row), wanted),
      kind: (row, wanted) => same(row.kind, wanted),
      group: (row, wanted) => same(row.group, wanted),
    };
    const table = new Table("targets", estate.targets, columns, tests,
      ["server or subnet", "servers and subnets"]);
    table.choices("stands", estate.stands);
    table.choices("kind", [...new Set(estate.targets.map((one) => one.kind))].sort());
    table.choices("group", groupsOf(estate), groupLabel);
    table.sorted = 1;
    return table;
  }

  // --- one target -------------------------------------------------------------------------------------

  async function detailsOf(target) {
    if (target.details < 0) return null;
    const block = await read(`details-${target.details}`), key = target.id.toLowerCase();
    return { said: block.findings[key].map((one) => block.said[one]), reach: block.reach[key],
      picture: block.pictures[key] };
  }

  function copyButton(text) {
    return el("button", { type: "button", class: "copy", onclick: async (event) => {
      try {
        await navigator.clipboard.writeText(text);
        say("Copied");
        event.target.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(event.target.parentElement.querySelector("pre, code"));
        say("Selected: copy it with the keyboard");
      }
    } }, "Copy");
  }

  function commands(texts) {
    return texts.map((text) => el("div", { class: "command" }, el("pre", {}, text), copyButton(text)));
  }

  function findingView(row, details) {
    const { kind, target } = row;
    const [evidence, mends, decision, origin, edit] = details ?? [[], [], "", "", ""];
    const parts = [
      el("h3", {}, kind.title),
      el("p", { class: "meta" }, stateCell(row), el("code", {}, kind.id),
        kind.exposed ? el("span", { class: "wrong" }, "lets somebody in") : null,
        kind.isNew || kind.state !== "NonCompliant" ? null : el("span", { class: "soft" }, "in the baseline")),
      el("p", {}, bdi(reasonOf(row))),
    ];
    const resource = resourceOf(row);
    if (!same(resource, target.id)) parts.push(el("p", { class: "soft" }, el("code", {}, bdi(resource))));
    if (evidence.length) {
      parts.push(el("ul", {}, evidence.map((line) => el("li", {}, coded(filled(line, target))))));
    }
    if (decision) parts.push(el("p", { class: "soft" }, coded(filled(decision, target))));
    if (origin) parts.push(el("p", {}, "Written in ", el("code", {}, bdi(filled(origin, target)))));
    if (edit) {
      parts.push(el("p", {}, el("strong", {}, "The smallest change there")), ...commands([filled(edit, target)]));
    }
    if (mends.length) {
      parts.push(el("p", {}, el("strong", {}, "What mends it, in this order")));
      parts.push(...commands(mends.map((one) => filled(one, target))));
    }
    if (kind.controls.length) {
      parts.push(el("details", {}, el("summary", {}, plural(kind.controls.length, "control", "controls")),
        el("ul", {}, kind.controls.map((one) => el("li", {}, one)))));
    }
    const grave = kind.state === "NonCompliant" ? ` is-${kind.severity.toLowerCase()}` : "";
    return el("article", { class: `finding${grave}` }, parts);
  }

  // --- pictures ---------------------------------------------------------------------------------------

  /** A picture with a line below that tells what is pointed at or focused. */
  function figure(title, about, picture, told) {
    const line = el("p", { class: "told" }, told);
    const made = el("figure", { class: "picture" }, el("figcaption", {}, el("h2", {}, title),
      el("p", { class: "soft" }, about)), el("div", { class: "wide-box", tabindex: "0", role: "region",
      "aria-label": title }, picture), line);
    const tell = (event) => {
      const said = event.target.closest("[data-told]");
      if (said && made.contains(said)) line.replaceChildren(bdi(said.dataset.told));
    };
    made.addEventListener("mouseover", tell);
    made.addEventListener("focusin", tell);
    return made;
  }

  const WAY = 74, LEFT = 20, FIRST = 300, LAST = 760, SERVER = 850;
  const STANDS = { stands: "lets it through", blocked: "stops it", unknown: "is not known" };
  const COMES = { stands: "can connect", blocked: "cannot connect", unknown: "may connect: not known" };

  function clipped(text, most) { return text.length > most ? `${text.slice(0, most - 1)}…` : text; }

  function gateMark([stage, state, says, blocks], x, y) {
    const told = `${stage}: ${says}`;
    const kind = blocks ? "stop" : state;
    const mark = kind === "stands" ? el("circle", { cx: x, cy: y, r: 7 })
      : el("rect", { x: x - 9, y: y - 9, width: 18, height: 18, rx: 3 });
    const sign = { stop: "×", blocked: "×", unknown: "?", stands: "" }[kind];
    return el("g", { class: `gate ${kind}`, tabindex: "0", role: "img", "data-told": told,
      "aria-label": `${told}, ${STANDS[state]}` }, el("title", {}, told), mark,
      el("text", { x, y: y + 5, class: "sign" }, sign), el("text", { x, y: y + 27 }, stage));
  }

  function wayMark([client, about, state, gates], number) {
    const y = 34 + number * WAY;
    const places = gates.map((_, at) => FIRST + (LAST - FIRST) * (gates.length < 2 ? .5 : at / (gates.length - 1)));
    const stop = gates.findIndex((one) => one[3] || (state === "blocked" && one[1] === "blocked"));
    const end = stop < 0 ? SERVER : places[stop];
    const lines = [el("line", { x1: 250, y1: y, x2: end, y2: y, class: state })];
    if (stop >= 0) lines.push(el("line", { x1: end, y1: y, x2: SERVER, y2: y, class: "beyond" }));
    return el("g", {}, lines,
      el("text", { x: LEFT, y: y - 2, class: "client" }, clipped(client, 30)),
      el("text", { x: LEFT, y: y + 16, class: `says ${state}` }, COMES[state]),
      el("text", { x: LEFT, y: y + 32, class: "about" }, clipped(about, 34)),
      gates.map((gate, at) => gateMark(gate, places[at], y)));
  }

  function firstStop(ways) {
    const [client, gate] = ways.flatMap(([client, , , gates]) =>
      gates.filter((one) => one[3]).map((one) => [client, one]))[0] ?? [];
    return gate ? `${client}: ${gate[2]}` : "";
  }

  function waysFigure(ways, target) {
    const height = ways.length * WAY + 20;
    const server = el("g", {}, el("rect", { x: SERVER, y: 8, width: 130, height: height - 24, rx: 8,
      class: "server" }), el("text", { x: SERVER + 65, y: height / 2, class: "name" }, clipped(target.name, 16)));
    const svg = el("svg", { viewBox: `0 0 1000 ${height}`, class: "ways", role: "group",
      "aria-label": `The ways to ${target.name}` }, ways.map(wayMark), server);
    const open = matchMedia("(max-width: 46rem)").matches ? "" : null;
    const words = el("details", { open }, el("summary", {}, "The same in words"), el("ul", {}, ways.map(
      ([client, about, state, gates]) => el("li", {}, bdi(client), `, ${about}: ${COMES[state]}. `,
        bdi(gates.filter((one) => one[1] !== "stands").map((one) => one[2]).join("; "))))));
    const made = figure("Ways in", "Who can connect, and what lets them through or stops them, in the order in "
      + "which a packet meets it. What stops a way is red. Point at a gate to see why.", svg, firstStop(ways));
    made.append(words);
    return made;
  }

  const VERDICTS = { allowed: "allowed", denied: "denied", mixed: "some allowed", depends: "not known" };

  function cellMark([state, rules, depends], source, port, changed) {
    const why = [rules.join(", "), depends.length ? `hangs on ${depends.join(", ")}` : ""].filter(Boolean);
    const told = `${source} to port ${port}: ${VERDICTS[state]}${why.length ? ` by ${why.join("; ")}` : ""}`;
    return el("td", {}, el("span", { class: `cell ${state}`, tabindex: "0", role: "img", title: told,
      "data-told": told, "aria-label": told }, VERDICTS[state]), changed ? el("span", { class: "changed" }, "new") : null);
  }

  function grid(group, cells, before) {
    const head = el("tr", {}, el("th", { scope: "col" }, "From"),
      group.ports.map((port) => el("th", { scope: "col" }, `port ${port}`)));
    const rows = group.sources.map((source, at) => el("tr", {}, el("th", { scope: "row" }, bdi(source)),
      cells[at].map((one, port) => cellMark(one, source, group.ports[port],
        before && before[at][port][0] !== one[0]))));
    return el("table", { class: "grid" }, el("thead", {}, head), el("tbody", {}, rows));
  }

  function groupFigure(group) {
    const parts = group.after.length
      ? [el("h3", {}, "As it is"), grid(group, group.cells), el("h3", {}, `After what mends “${group.mends}”`),
        grid(group, group.after, group.cells)]
      : [grid(group, group.cells)];
    return figure(`NSG ${group.name}`, `Who reaches the database in subnet ${group.subnet} through it. Point at a `
      + "verdict to see the rules that decide.", el("div", { class: "grids" }, parts), "");
  }

  const SPACE = 2 ** 32;
  const address = (number) => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
  const NAMED = [["10.0.0.0/8, private", 0x0a000000, 2 ** 24], ["172.16.0.0/12, private", 0xac100000, 2 ** 20],
    ["192.168.0.0/16, private", 0xc0a80000, 2 ** 16], ["multicast and reserved", 0xe0000000, 2 ** 29]];

  function rangeMark([name, first, last, odd]) {
    const size = last - first + 1;
    const told = first === 0 && last === 0 ? `${name}: every Azure address`
      : `${name}: ${address(first)}–${address(last)}, ${plural(size, "address", "addresses")}`;
    const height = 8 + 72 * Math.log2(size) / 32;
    const width = Math.max(5, 960 * size / SPACE);
    const x = Math.min(20 + 960 * first / SPACE, 980 - width);
    return el("g", { class: `range${odd ? " odd" : ""}`, tabindex: "0", role: "img", "data-told": told,
      "aria-label": told }, el("title", {}, told), el("rect", { x, y: 92 - height, width, height }));
  }

  function rangesFigure({ ranges, public: isPublic }) {
    const ticks = [0, 64, 128, 192, 256].map((part) => el("text", { class: "tick", y: 112,
      x: 20 + 960 * part / 256 }, part === 256 ? "255" : `${part}.0.0.0`));
    const named = NAMED.map(([name, first, size]) => el("rect", { class: "reserved", y: 92, height: 5,
      x: 20 + 960 * first / SPACE, width: Math.max(2, 960 * size / SPACE) }, el("title", {}, name)));
    const svg = el("svg", { viewBox: "0 0 1000 120", class: "line", role: "group",
      "aria-label": "Firewall rules on the line of all IPv4 addresses" },
      el("line", { x1: 20, y1: 92, x2: 980, y2: 92, class: "axis" }), named, ranges.map(rangeMark), ticks);
    const about = isPublic ? "The addresses that firewall rules admit. The higher a bar, the more of them, on a "
      + "scale of logarithms." : "Public access is off: these rules admit nobody until it is on again.";
    return figure("Firewall ranges", about, svg, "Point at a range to see its ends.");
  }

  function rulesFigures(picture) {
    if (!picture) return [];
    return [picture.group ? groupFigure(picture.group) : null,
      picture.ranges.length ? rangesFigure(picture) : null].filter(Boolean);
  }

  const LEFT_OUT = "There was no room in this page for the evidence and the commands: `driftward scan` of a "
    + "smaller scope, or -o json, has them.";

  /** What was changed there, as the section of all changes tells it. */
  function changesOf(target) {
    const own = [...document.querySelectorAll("#changes [data-target]")]
      .filter((change) => change.dataset.target === target.id.toLowerCase())
      .map((change) => change.cloneNode(true));
    return own.length ? [el("h2", {}, plural(own.length, "change", "changes")), ...own] : [];
  }

  async function showTarget(estate, target) {
    const rows = target.kinds.map((kind) => ({ target, kind: estate.kinds[kind] }));
    const details = await detailsOf(target);
    const marks = ["unmet", "unknown", "met", "silent"];
    const stands = el("span", { class: `standing ${marks[target.stands]}` }, estate.stands[target.stands]);
    const facts = [["Stands", stands], ["Kind", target.kind], ["Where", target.location || "not known"],
      ["Resource group", el("a", { href: `#targets?group=${encodeURIComponent(target.group)}` },
        bdi(target.groupName))],
      ...(details?.reach ? [["Reach", details.reach]] : []),
      ["Id", el("code", {}, bdi(target.id))],
      ["Policies that it meets", String(target.compliant)]];
    $("target").replaceChildren(
      el("p", { class: "back" }, el("a", { href: shownLast }, "Back to the report")),
      el("h1", { id: "target-title" }, bdi(target.name)),
      el("dl", { class: "facts" }, facts.flatMap(([dt, dd]) => [el("dt", {}, dt), el("dd", {}, dd)])),
      target.error ? el("p", { class: "notice" }, bdi(target.error)) : "",
      rows.length && details === null ? el("p", { class: "notice" }, LEFT_OUT) : "",
      details?.picture?.ways.length ? waysFigure(details.picture.ways, target) : "",
      el("h2", {}, rows.length ? plural(rows.length, "finding", "findings") : "Nothing was found"),
      ...rows.map((row, number) => findingView(row, details?.said[number])),
      ...rulesFigures(details?.picture),
      ...changesOf(target));
    document.title = `${target.name} · Driftward`;
    turnTo("target");
  }

  // --- what the address says --------------------------------------------------------------------------

  const title = document.title;
  let shownLast = "#report";

  function turnTo(view) {
    $("report").hidden = view !== "report";
    $("target").hidden = view !== "target";
    if (view === "target") {
      scrollTo(0, 0);
      $("target").focus({ preventScroll: true });
    } else {
      document.title = title;
    }
  }

  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return text; }
  }

  async function follow(estate, tables) {
    const hash = location.hash.slice(1);
    const target = hash.startsWith("/") ? estate.byId.get(decoded(hash).toLowerCase()) : undefined;
    if (target) return showTarget(estate, target);
    if (hash.startsWith("/")) say("This page has no such server or subnet");
    const cameBack = $("report").hidden;
    turnTo("report");
    const [name, search] = hash.startsWith("/") ? ["report"] : hash.split(/\?(.*)/s);
    if (tables[name] && (search !== undefined || !cameBack)) {
      tables[name].set(Object.fromEntries(new URLSearchParams(search)));
    }
    shownLast = `#${hash.startsWith("/") ? "report" : hash || "report"}`;
    const place = $(name);
    if (place && hash && (search !== undefined || cameBack)) {
      place.scrollIntoView({ block: "start", behavior: "instant" });
      place.focus({ preventScroll: true });
    }
  }

  // --- printing ---------------------------------------------------------------------------------------

  function print(tables, whole) {
    for (const one of document.querySelectorAll("details")) {
      if (whole && !one.open) one.dataset.shut = "";
      if (whole) one.open = true;
      else if ("shut" in one.dataset) { one.open = false; delete one.dataset.shut; }
    }
    for (const table of Object.values(tables)) table.printing(whole);
  }

  async function begin() {
    const estate = estateOf(await read("estate"));
    const tables = { __proto__: null, findings: findingsTable(estate), targets: targetsTable(estate) };
    for (const table of Object.values(tables)) table.set({});
    await follow(estate, tables);
    addEventListener("hashchange", () => follow(estate, tables));
    addEventListener("beforeprint", () => print(tables, true));
    addEventListener("afterprint", () => print(tables, false));
    document.documentElement.dataset.ready = "";
  }
  begin();
})();
