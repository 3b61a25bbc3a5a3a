"""A comparison as a bar chart in SVG: wall and CPU seconds of each tool, readable on light and dark grounds and by a screen reader."""
from html import escape

from harness.report import seconds

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 860, 270, 110, 16, 18, 84
STYLE = """
.ground { fill: #ffffff } .text { fill: #1f2328 } .soft { fill: #59636e } .line { stroke: #d1d9e0 }
.wall { fill: #0969da } .cpu { fill: #8c959f } .own { font-weight: 600 }
text { font: 13px system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif } .title { font-size: 16px; font-weight: 600 }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117 } .text { fill: #f0f6fc } .soft { fill: #9198a1 } .line { stroke: #3d444d } .wall { fill: #4493f8 } .cpu { fill: #656c76 }
}
"""


def steps(most):
    """Round marks for an axis that ends at or beyond `most`, four to eight of them."""
    step = 1.0
    while most / step > 8:
        step *= 2.5 if str(step)[0] == "2" else 2
    while most / step < 4 and step > 0.01:
        step /= 2
    return [number * step for number in range(int(most / step) + 2)]


def spoken(title, entries):
    """The whole chart in words."""
    parts = [f"{entry['label']}: {seconds(entry['summary']['wall_s']['median'])} wall, "
             f"{seconds(entry['summary']['cpu_s']['median'])} CPU" for entry in entries]
    return f"{title}. " + "; ".join(parts) + "."


def drawn(told, title):
    """The chart of one comparison, as the text of an SVG file. Tools that did not come through are named without bars."""
    tools = told["result"]["tools"]
    entries = [entry for entry in tools if entry["summary"]]
    most = max(entry["summary"][name]["median"] for entry in entries for name in ("wall_s", "cpu_s"))
    marks = steps(most)
    scale = (WIDTH - LEFT - RIGHT) / marks[-1]
    height = TOP + len(tools) * (2 * BAR + GAP) + 40
    bottom = height - 34
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="bench-title bench-desc">',
        f'<title id="bench-title">{escape(title)}</title>',
        f'<desc id="bench-desc">{escape(spoken(title, entries))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        f'<text class="text title" x="20" y="30">{escape(title)}</text>',
        f'<rect class="wall" x="20" y="46" width="12" height="12"/><text class="text" x="38" y="57">wall seconds</text>',
        f'<rect class="cpu" x="140" y="46" width="12" height="12"/><text class="text" x="158" y="57">CPU seconds (both cores, all processes)</text>',
    ]
    for mark in marks:
        x = LEFT + mark * scale
        lines.append(f'<line class="line" x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}"/>')
        lines.append(f'<text class="soft" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{mark:g} s</text>')
    for number, entry in enumerate(tools):
        y = TOP + number * (2 * BAR + GAP)
        own = " own" if entry["name"].startswith("tillmart") else ""
        lines.append(f'<text class="text{own}" x="{LEFT - 12}" y="{y + BAR + 5}" text-anchor="end">{escape(entry["label"])}</text>')
        if not entry["summary"]:
            why = entry["runs"][-1]["failed"] if entry["runs"] else "not run"
            lines.append(f'<text class="soft" x="{LEFT + 8}" y="{y + BAR + 5}">{escape(why)}</text>')
            continue
        for row, name in enumerate(("wall_s", "cpu_s")):
            value, top = entry["summary"][name]["median"], y + row * BAR
            lines.append(f'<rect class="{name[:-2]}" x="{LEFT}" y="{top}" width="{max(value * scale, 1):.1f}" height="{BAR - 2}"/>')
            lines.append(f'<text class="text" x="{LEFT + value * scale + 6:.1f}" y="{top + 12}">{seconds(value)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
