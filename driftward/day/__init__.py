"""How the commands of the day show what an app answers: alerts, changes, runs, status."""
