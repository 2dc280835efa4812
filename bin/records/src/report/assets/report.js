"use strict";
(() => {
  const plots = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const every = (selector, within = document) => [...within.querySelectorAll(selector)];
  const colours = 7;
  const symbols = ["circle", "square", "diamond", "triangle-up", "x", "triangle-down", "star"];
  const glyphs = ["●", "■", "◆", "▲", "✖", "▼", "★"];
  const dashes = { ours: "solid", peer: "dash", unreal: "dot" };

  // plotly.js takes some tags in text for markup, and %{ in templates for a variable.
  const plain = (text) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("%{", "% {");

  // A name has the same colour in every plot.
  const names = [...new Set(plots.flatMap((plot) => plot.series.map((series) => series.name)))];
  const rank = new Map(names.map((name, index) => [name, index]));

  /* Theme: the system's until somebody chooses. */
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const themes = ["system", "light", "dark"];
  let theme = "system";
  try {
    theme = localStorage.getItem("zkwatt-theme") ?? "system";
  } catch {
    // A page from a file may have no storage; the choice then lasts as long as the page.
  }
  if (!themes.includes(theme)) theme = "system";
  let printing = false;
  function applyTheme() {
    const isDark = !printing && (theme === "dark" || (theme === "system" && dark.matches));
    root.dataset.theme = isDark ? "dark" : "light";
    button.textContent = `Theme: ${theme}`;
  }
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try {
      localStorage.setItem("zkwatt-theme", theme);
    } catch {
      // As above.
    }
    applyTheme();
    redraw();
  });
  dark.addEventListener("change", () => {
    applyTheme();
    redraw();
  });

  /* Filters. */
  const form = document.getElementById("filter");
  const filters = document.getElementById("filters");
  const chosen = (name) => new Set(every(`input[name="${name}"]:checked`, form).map((input) => input.value));
  let devices, ops, peers;
  const shows = (device, op, isPeer) =>
    (!device || devices.has(device)) && (!op || ops.has(op)) && (peers || !isPeer);
  function filter() {
    devices = chosen("device");
    ops = chosen("op");
    const box = form.elements.namedItem("peers");
    peers = !box || box.checked;
    // The best of each operation, a cell each; a row that has none left goes too.
    for (const cell of every("td[data-device]")) {
      const blank = !shows(cell.dataset.device, "", "peer" in cell.dataset);
      cell.firstElementChild.hidden = blank;
      cell.toggleAttribute("data-empty", blank);
    }
    for (const row of every("tr[data-op]")) {
      const cells = every("td[data-device]", row);
      const bare = cells.length > 0 && cells.every((cell) => "empty" in cell.dataset);
      row.hidden = bare || !shows(row.dataset.device, row.dataset.op, "peer" in row.dataset);
    }
    const rows = every("#records tbody tr");
    const shown = rows.filter((row) => !row.hidden).length;
    document.getElementById("shown").textContent =
      shown === rows.length ? `all ${rows.length} records` : `${shown} of ${rows.length} records`;
    redraw();
  }
  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  if (matchMedia("(max-width: 40rem)").matches) filters.open = false;

  /* Tables. */
  const collator = new Intl.Collator("en", { numeric: true });
  for (const table of every("table.sortable")) {
    const heads = every("th", table);
    heads.forEach((head, column) =>
      head.querySelector("button").addEventListener("click", () => {
        // Numbers begin with the largest.
        const first = head.classList.contains("number") ? "descending" : "ascending";
        const second = first === "ascending" ? "descending" : "ascending";
        const order = head.getAttribute("aria-sort") === first ? second : first;
        heads.forEach((other) => other.setAttribute("aria-sort", other === head ? order : "none"));
        const sign = order === "ascending" ? 1 : -1;
        const key = (row) => row.cells[column];
        const compare = (a, b) => {
          const [x, y] = [key(a), key(b)];
          // What is empty comes last in either order.
          const gap = ("empty" in x.dataset) - ("empty" in y.dataset);
          if (gap) return gap;
          const numbers = "value" in x.dataset && "value" in y.dataset;
          return sign * (numbers ? x.dataset.value - y.dataset.value : collator.compare(x.textContent, y.textContent));
        };
        const body = table.tBodies[0];
        body.append(...[...body.rows].sort(compare));
      }),
    );
  }

  /* Plots, each drawn when it is about to be seen. */
  function look() {
    const style = getComputedStyle(root);
    const value = (name) => style.getPropertyValue(name).trim();
    return {
      ink: value("--ink"), quiet: value("--quiet"), line: value("--line"), grid: value("--grid"), paper: value("--paper"),
      series: Array.from({ length: colours }, (_, index) => value(`--c${index}`)),
      font: getComputedStyle(document.body).fontFamily,
    };
  }
  const wrap = (text, width) => {
    const lines = [""];
    for (const word of text.split(" ")) {
      const last = lines[lines.length - 1];
      if (last && last.length + word.length >= width) lines.push(word);
      else lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    return lines;
  };

  function legend(plot, series, colour, block) {
    const items = series.map((one) => {
      const item = document.createElement("li");
      const swatch = document.createElement("i");
      if (block) {
        swatch.className = "block";
        const [paint, paper] = [colour(one), "var(--paper)"];
        swatch.style.background =
          series.indexOf(one) < colours ? paint : `repeating-linear-gradient(135deg, ${paint} 0 2px, ${paper} 2px 4px)`;
      } else {
        swatch.style.color = swatch.style.borderTopColor = colour(one);
        swatch.dataset.glyph = glyphs[rank.get(one.name) % glyphs.length];
        swatch.style.borderTopStyle = { solid: "solid", dash: "dashed", dot: "dotted" }[dashes[one.style]];
      }
      const name = document.createElement("span");
      name.textContent = one.name;
      item.append(swatch, name);
      return item;
    });
    const list = document.getElementById(`${plot.id}-legend`);
    list.classList.toggle("short", block);
    list.replaceChildren(...items);
  }

  const format = (value) => {
    if (value < 1 && value >= 0.001) return `${Number(value.toPrecision(3))}`;
    const prefixes = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
    const [scale, prefix] = prefixes.find(([scale]) => value >= scale * 0.9995) ?? [1e-9, "n"];
    return `${Number((value / scale).toPrecision(3))}${prefix}`;
  };
  /* Marks of a logarithmic axis: powers of ten, and between them where there are few. */
  function ticks(values) {
    const low = Math.log10(Math.min(...values)), high = Math.log10(Math.max(...values));
    const steps = high - low > 3 ? [1] : high - low > 1.2 ? [1, 3] : [1, 2, 5];
    const marks = [];
    for (let power = Math.floor(low) - 1; power <= Math.ceil(high); power++)
      for (const step of steps) marks.push(step * 10 ** power);
    const within = marks.filter((mark) => mark >= Math.min(...values) && mark <= Math.max(...values));
    if (within.length < 2) return { nticks: 4, tickformat: "~s" };
    return { tickmode: "array", tickvals: marks, ticktext: marks.map(format) };
  }
  /* Within the drawn range there is always a margin above and below. */
  const range = (values) => {
    const low = Math.log10(Math.min(...values)), high = Math.log10(Math.max(...values));
    const margin = Math.max(0.06 * (high - low), 0.08);
    return [low - margin, high + margin];
  };

  function axis(paint, title, rest) {
    return {
      title: { text: title, font: { size: 12.5, color: paint.quiet }, standoff: 8 }, gridcolor: paint.grid, zeroline: false,
      linecolor: paint.line, tickfont: { size: 12, color: paint.quiet }, fixedrange: true, ...rest,
    };
  }

  function lines(plot, series, paint) {
    const colour = (one) => paint.series[rank.get(one.name) % colours];
    const traces = series.map((one) => ({
      type: "scatter", mode: "lines+markers", name: plain(one.name),
      x: one.points.map((point) => point.x), y: one.points.map((point) => point.y),
      text: one.points.map((point) => `${wrap(one.name, 40).map(plain).join("<br>")}<br>2<sup>${point.x}</sup>: <b>${plain(point.text)}</b>`),
      hovertemplate: "%{text}<extra></extra>",
      line: { color: colour(one), width: 2, dash: dashes[one.style] },
      marker: { color: colour(one), size: 8, symbol: symbols[rank.get(one.name) % symbols.length] },
      error_y: {
        type: "data", symmetric: false, thickness: 1, width: 3, color: colour(one),
        array: one.points.map((point) => (point.high ?? point.y) - point.y),
        arrayminus: one.points.map((point) => point.y - (point.low ?? point.y)),
      },
    }));
    const levels = plot.levels.filter((level) => shows(level.device));
    const marks = plot.marks.filter((mark) => shows(mark.device));
    const sizes = [...new Set(series.flatMap((one) => one.points.map((point) => point.x)))].sort((a, b) => a - b);
    const room = widthOf(plot) / 42;
    const step = Math.max(1, Math.ceil(sizes.length / room));
    const values = series.flatMap((one) => one.points.map((point) => point.y)).concat(levels.map((level) => level.at));
    const across = (level) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: level.at, y1: level.at, line: { color: paint.ink, width: 1.5, dash: "dash" },
    });
    const upwards = (mark) => ({
      type: "line", yref: "paper", y0: 0, y1: 1, x0: mark.at, x1: mark.at, line: { color: paint.ink, width: 1.5, dash: "dot" },
    });
    const note = (rest) => ({ showarrow: false, font: { size: 12, color: paint.ink }, borderpad: 2, ...rest });
    legend(plot, series, colour, false);
    return {
      traces, height: 320,
      layout: {
        margin: { l: 62, r: 14, t: 12, b: 46 },
        xaxis: axis(paint, plot.x, {
          tickvals: sizes.filter((_, index) => index % step === 0),
          ticktext: sizes.filter((_, index) => index % step === 0).map((size) => `2<sup>${size}</sup>`),
        }),
        yaxis: axis(paint, plot.y, { type: "log", range: range(values), ...ticks(values) }),
        shapes: [...levels.map(across), ...marks.map(upwards)],
        annotations: [
          ...levels.map((level) => note({
            xref: "paper", x: 0, xanchor: "left", y: Math.log10(level.at), yanchor: "bottom", text: plain(level.text), yshift: 2,
          })),
          ...marks.map((mark) => note({
            yref: "paper", y: 0, yanchor: "bottom", x: mark.at, xanchor: "left", xshift: 3,
            text: `2<sup>${mark.text.replace("2^", "")}</sup>`,
          })),
        ],
      },
    };
  }

  /* Bars lie, with their labels above them: names are long and telephones narrow. */
  function bars(plot, series, paint) {
    const stacked = plot.kind === "stack";
    const colour = (one) => paint.series[(stacked ? series.indexOf(one) : rank.get(one.name)) % colours];
    const labels = [...new Set(series.flatMap((one) => one.points.map((point) => point.label)))];
    const width = Math.max(24, Math.floor(widthOf(plot) / 7));
    const small = (lines) => lines.map((line) => `<span style="font-size:11.5px;fill:${paint.quiet}">${line}</span>`);
    const wrapped = labels.map((label) => {
      const lines = wrap(label, width).map(plain);
      if (stacked) return lines;
      const { text, note } = series.flatMap((one) => one.points).find((point) => point.label === label);
      const size = (line) => plain(line).replace(/2\^(\d+)/, "2<sup>$1</sup>");
      return [...lines, ...wrap(`${text} ${note}`, width).map((line, index) =>
        index === 0 ? `<b>${plain(text)}</b> ${small([size(line.slice(text.length + 1))])}` : small([size(line)])[0])];
    });
    const deepest = Math.max(...wrapped.map((label) => label.length));
    const room = 36 + 17 * deepest;
    const traces = series.map((one, index) => ({
      type: "bar", orientation: "h", name: plain(one.name), width: 22 / room,
      x: one.points.map((point) => point.y), y: one.points.map((point) => labels.indexOf(point.label)),
      textposition: "none",
      customdata: one.points.map((point) => `${plain(one.name)}<br><b>${plain(point.text)}</b>`),
      hovertemplate: "%{customdata}<extra></extra>",
      marker: {
        color: colour(one), line: { color: paint.paper, width: 1 },
        pattern: stacked ? { shape: index >= colours ? "/" : "" } : { shape: one.style === "unreal" ? "/" : "" },
      },
    }));
    if (stacked) legend(plot, series, colour, true);
    const most = Math.max(...series.flatMap((one) => one.points.map((point) => point.y)));
    return {
      traces, height: 62 + room * labels.length,
      layout: {
        barmode: stacked ? "stack" : "overlay", margin: { l: 8, r: 16, t: 10, b: 46 },
        xaxis: axis(paint, plot.x, { rangemode: "tozero", nticks: 6, ...(stacked ? { tickformat: "~s", ticksuffix: "s" } : { tickformat: most < 10 ? "~r" : "~s" }) }),
        yaxis: { visible: false, range: [labels.length - 0.5, -0.62], fixedrange: true },
        annotations: labels.map((_, index) => ({
          x: 0, y: index, xanchor: "left", yanchor: "bottom", yshift: 11, align: "left", showarrow: false,
          font: { size: 12.5, color: paint.ink }, bgcolor: paint.paper, borderpad: 0,
          text: wrapped[index].join("<br>"),
        })),
      },
    };
  }

  // The page is laid out for the paper after this was drawn: two columns of A4, and phases over both.
  function widthOf(plot) {
    if (printing) return plot.kind === "stack" ? 640 : 310;
    return document.getElementById(plot.id).clientWidth;
  }

  const seen = new Set();
  function draw(plot) {
    const place = document.getElementById(plot.id);
    const figure = place.closest("figure");
    const series = plot.series
      .map((one) => ({ ...one, points: one.points.filter((point) => shows(point.device, one.op || plot.op, one.style === "peer")) }))
      .filter((one) => one.points.length > 0 && shows(one.device, one.op || plot.op, one.style === "peer"));
    figure.hidden = series.length === 0;
    if (figure.hidden || !seen.has(plot.id)) return;
    const paint = look();
    const { traces, layout, height } = (plot.kind === "lines" ? lines : bars)(plot, series, paint);
    place.style.height = `${height}px`;
    Plotly.react(place, traces, {
      height, autosize: !printing, ...(printing && { width: widthOf(plot) }), showlegend: false, dragmode: false, hovermode: "closest", paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)", font: { family: paint.font, color: paint.ink, size: 13 },
      hoverlabel: { bgcolor: paint.paper, bordercolor: paint.line, font: { color: paint.ink, size: 13 }, align: "left" }, ...layout,
    }, { displayModeBar: false, responsive: true, showTips: false });
  }
  const redraw = () => plots.forEach(draw);
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const id = target.dataset.plot;
      if (!isIntersecting || seen.has(id)) continue;
      seen.add(id);
      draw(plots.find((plot) => plot.id === id));
    }
  }, { rootMargin: "600px" });
  every("figure[data-plot]").forEach((figure) => {
    figure.querySelector(".plot").style.height = "320px";
    watcher.observe(figure);
  });

  /* Paper is white, and has every plot. */
  addEventListener("beforeprint", () => {
    printing = true;
    applyTheme();
    plots.forEach((plot) => seen.add(plot.id));
    redraw();
  });
  addEventListener("afterprint", () => {
    printing = false;
    applyTheme();
    redraw();
  });
  // Names above bars wrap by the width.
  let waiting, width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(redraw, 150);
  });

  applyTheme();
  filter();
})();
