"""What the measurements say: a table in Markdown, the raw figures as JSON and CSV, and plots as SVG."""
import csv
import json

import measure

UNITS = {"cpu_us": "µs of CPU each", "p50_us": "µs", "per_second": "1/s"}


def ratios(row):
    """Ours to the peer's, round by round."""
    return [ours / peer for ours, peer in zip(row["figures"]["sallyport"], row["figures"]["haproxy"])]


def met(row):
    ratio = measure.median(ratios(row))
    return ratio >= row["target"] if row["figure"] == "per_second" else ratio <= row["target"]


def line(row):
    figures = ", ".join(f"{name} {measure.median(values):.1f}" for name, values in row["figures"].items())
    return f"{row['name']}: {figures}; ratio {measure.median(ratios(row)):.3f}"


def markdown(results):
    names = ["relay", "nginx, no check", "haproxy, no check", "haproxy", "sallyport"]
    out = [f"{results['when']}, {results['cpu']}, {results['cores']} cores, Linux {results['kernel']}, HAProxy {results['haproxy']}, "
           f"{results['rounds']} rounds of {results['seconds']} s.", "",
           "| | unit | relay | nginx, no check | HAProxy, no check | HAProxy with JWT checks | **Sallyport** | ratio (middle half) | target |",
           "|---|---|---:|---:|---:|---:|---:|---:|---:|"]
    for row in results["rows"]:
        cells = []
        for name in names:
            values = row["figures"].get(name)
            cells.append(f"{measure.median(values):.{0 if row['figure'] == 'per_second' else 1}f}" if values else "")
        if row["against"] != "haproxy":
            cells[3] = f"({row['against']}: {cells[3]})"
        cells[4] = f"**{cells[4]}**"
        low, high = measure.spread(ratios(row))
        sign = "≥" if row["figure"] == "per_second" else "≤"
        target = "" if row["target"] is None else f"{sign} {row['target']:.2f} {'met' if met(row) else 'missed'}"
        out.append(f"| {row['name']} | {UNITS[row['figure']]} | " + " | ".join(cells) +
                   f" | {measure.median(ratios(row)):.2f} ({low:.2f}-{high:.2f}) | {target} |")
    out.append("")
    calls = results.get("calls")
    if calls:
        for name in ("sallyport", "haproxy"):
            out.append(f"System calls for each request, {name}: {sum(calls[name].values()):.2f} "
                       f"({', '.join(f'{call} {count:.2f}' for call, count in calls[name].items())}); target ≤ 6.")
        out.append(f"Allocations for each request: {calls['allocations']:.2f}; target 0.")
        out.append(f"At start: ready in {results['start']['ready_ms']:.0f} ms (target 50), "
                   f"{results['start']['resident_mib']:.1f} MiB resident (target 25).")
        out.append(f"An idle connection: {results['idle']['plain']} bytes plain (target 2048), "
                   f"{results['idle']['tls']} under TLS (target 61440).")
    return "\n".join(out)


def write(results, folder):
    with open(f"{folder}/results.json", "w") as file:
        json.dump(results, file, indent=1)
    with open(f"{folder}/results.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["row", "contender", "round", "figure", "value"])
        for row in results["rows"]:
            for name, values in row["figures"].items():
                for turn, value in enumerate(values):
                    out.writerow([row["name"], name, turn + 1, row["figure"], f"{value:.3f}"])
    with open(f"{folder}/table.md", "w") as file:
        file.write(markdown(results) + "\n")
    plot_ratios(results, f"{folder}/ratios.svg")


def figure(width, height):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "bench", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    import matplotlib.pyplot as plt
    return plt, *plt.subplots(figsize=(width, height), constrained_layout=True)


def save(plt, picture, path):
    picture.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(picture)


def plot_ratios(results, path):
    rows = [row for row in results["rows"] if row["against"] == "haproxy" and row["figure"] == "cpu_us"]
    if not rows:
        return
    plt, picture, axes = figure(7, 0.4 * len(rows) + 1)
    for place, row in enumerate(reversed(rows)):
        values = ratios(row)
        axes.barh(place, measure.median(values), color="#4878a8", height=0.6)
        axes.plot(values, [place] * len(values), ".", color="#1b2a3a", markersize=3)
        if row["target"] is not None:
            axes.plot([row["target"]] * 2, [place - 0.4, place + 0.4], color="#c44e52")
    axes.axvline(1, color="gray", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
    axes.set_xlabel("CPU for each request as a share of HAProxy with JWT checks (dots: rounds, red: target)")
    save(plt, picture, path)


def plot_curves(curves, path):
    """{name: {"x": [...], "y": [...], "label": ...}}: one small plot each."""
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "bench", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    import matplotlib.pyplot as plt
    columns = 3
    lines = (len(curves) + columns - 1) // columns
    picture, grid = plt.subplots(lines, columns, figsize=(9, 2.6 * lines), constrained_layout=True, squeeze=False)
    spare = [axes for row in grid for axes in row]
    for (name, curve), axes in zip(curves.items(), spare):
        axes.plot(curve["x"], curve["y"], "o-", color="#4878a8", markersize=4)
        if max(curve["x"]) > 50 * max(1, min(curve["x"])):
            axes.set_xscale("symlog" if min(curve["x"]) == 0 else "log")
        axes.set_ylim(0, max(curve["y"]) * 1.3)
        axes.set_xlabel(name)
        axes.set_ylabel(curve["unit"])
    for axes in spare[len(curves):]:
        axes.set_visible(False)
    save(plt, picture, path)
