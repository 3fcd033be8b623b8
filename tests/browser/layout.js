/* What is wrong with how a page is laid out: one sentence for each fault. */
() => {
    const faults = [];
    const seen = (part) => part.checkVisibility() && part.getClientRects().length;
    const all = (which, within = document) => [...within.querySelectorAll(which)].filter(seen);
    const named = (part) => `${part.tagName}.${part.className.baseVal ?? part.className} "${part.textContent.slice(0, 40)}"`;
    const over = (one, other) => {
        const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        return wide > 1.5 && high > 1.5;
    };
    const pairs = (parts, words) => {
        const boxes = parts.map((part) => part.getBoundingClientRect());
        boxes.forEach((box, place) => {
            for (let other = place + 1; other < boxes.length; other++) {
                const apart = parts[place].contains(parts[other]) || parts[other].contains(parts[place]);
                if (!apart && over(box, boxes[other])) {
                    faults.push(`${words}: ${named(parts[place])} and ${named(parts[other])}`);
                }
            }
        });
    };

    const beyond = document.documentElement.scrollWidth - window.innerWidth;
    beyond > 0 && faults.push(`the page is ${beyond} px wider than its window`);

    const panels = all(".lossmon-panel");
    for (const panel of panels) {
        const box = panel.getBoundingClientRect();
        if (box.width < 100 || box.height < 30) {
            faults.push(`no room: ${named(panel)}`);
        }
        if (box.left < 0 || box.right > window.innerWidth) {
            faults.push(`out of the window: ${named(panel)}`);
        }
    }
    pairs(panels, "panels overlap");
    pairs(all("#page button, #page input:not([type=checkbox], [type=radio])"), "controls overlap");

    const whole = "h1, h2, h3, .mantine-Button-label, .mantine-Badge-label, .mantine-SegmentedControl-innerLabel, .lossmon-finding p";
    for (const part of all(whole)) {
        if (part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflow !== "visible") {
            faults.push(`cut off: ${named(part)}`);
        }
    }

    for (const chart of all(".js-plotly-plot")) {
        const room = chart.getBoundingClientRect();
        const parent = chart.closest(".dash-graph").parentElement.getBoundingClientRect();
        if (room.width < 150 || room.height < 150 || room.right > parent.right + 1) {
            faults.push(`no room: the chart in ${chart.closest("[aria-label]")?.ariaLabel}`);
        }
        const texts = all("svg text", chart).filter((text) => text.textContent.trim());
        for (const text of texts) {
            const box = text.getBoundingClientRect();
            if (box.left < room.left - 1 || box.right > room.right + 1 || box.bottom > room.bottom + 1) {
                faults.push(`out of its chart: ${named(text)}`);
            }
            if (text.textContent.includes("reading …")) {
                faults.push("a chart is not drawn yet");
            }
        }
        pairs(texts, "words overlap in a chart");
    }
    return faults;
}
