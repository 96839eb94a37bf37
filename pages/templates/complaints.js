"use strict";
/* Adds up the page's aggregates for what is selected, and shows each sum as a chart, a table and a CSV file. */

const { days: DAYS, labels: LABELS, tables: TABLES } = JSON.parse(document.getElementById("data").textContent);
const STATUSES = [["resolved", "Resolved", 2], ["in_progress", "In progress", 0], ["backlog", "Backlog", 1], ["blocked", "Blocked", 3], ["unknown_status", "Unknown", 5]];
const NTH = ["", "1st", "2nd", "3rd", "4th", "5th or later"];
const form = document.getElementById("filters");
const count = new Intl.NumberFormat("en").format;
const percent = (share) => (share === null ? "–" : (100 * share).toFixed(1) + "\u00a0%");
const share = (part, whole) => (whole ? part / whole : null);
const colour = (at) => `var(--c${at % 6})`;
const byCount = (a, b) => b.complaints - a.complaints;

function hours(value) {
  if (value === null) return "–";
  if (value < 1) return `${Math.round(value * 60)}\u00a0min`;
  return value < 48 ? `${value.toFixed(1)}\u00a0h` : `${count(Math.round(value))}\u00a0h`;
}

function shownDay(text) {
  return new Date(text + "T00:00Z").toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
}

/* ---- what is selected ---- */

let selected;

function readFilters() {
  const at = (name, otherwise) => { const found = DAYS.indexOf(form.elements[name].value); return found < 0 ? otherwise : found; };
  const checked = (name) => new Set([...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => Number(box.value)));
  selected = { first: at("from", 0), last: at("to", DAYS.length - 1), channel: checked("channel"), category: checked("category") };
}

/* Calls `each` with the row numbers of a table that are selected; tables without channel and category go by day only. */
function eachRow(table, each) {
  const { day, channel, category } = table;
  for (let row = 0; row < (day || []).length; row++) {
    if (day[row] < selected.first || day[row] > selected.last) continue;
    if (channel && !(selected.channel.has(channel[row]) && selected.category.has(category[row]))) continue;
    each(row);
  }
}

/* Sums of `measures` by key, as a Map of objects. */
function sums(table, key, measures) {
  const found = new Map();
  eachRow(table, (row) => {
    const name = key(table, row);
    if (!found.has(name)) found.set(name, Object.fromEntries(measures.map((measure) => [measure, 0])));
    const sum = found.get(name);
    for (const measure of measures) sum[measure] += table[measure][row];
  });
  return found;
}

const total = (table, measures) => sums(table, () => "", measures).get("") || Object.fromEntries(measures.map((measure) => [measure, 0]));

/* ---- quantiles of the fixed histogram: evenly within a bucket; the last one has no upper end ---- */

const BUCKETS = new Map((TABLES.buckets.bucket || []).map((bucket, at) => [bucket, [TABLES.buckets.from_hours[at], TABLES.buckets.to_hours[at]]]));

function quantile(histogram, timed, part) {
  let before = 0;
  for (const bucket of [...histogram.keys()].sort((a, b) => a - b)) {
    const here = histogram.get(bucket);
    if (before + here >= part * timed) {
      const [from, to] = BUCKETS.get(bucket);
      return to === null ? from : from + ((part * timed - before) / here) * (to - from);
    }
    before += here;
  }
  return null;
}

function times(key) {
  const histograms = new Map();
  eachRow(TABLES.times, (row) => {
    const name = key(TABLES.times, row);
    if (!histograms.has(name)) histograms.set(name, new Map());
    const histogram = histograms.get(name), bucket = TABLES.times.bucket[row];
    histogram.set(bucket, (histogram.get(bucket) || 0) + TABLES.times.complaints[row]);
  });
  return new Map([...histograms].map(([name, histogram]) => {
    const timed = [...histogram.values()].reduce((a, b) => a + b, 0);
    return [name, { timed, median: quantile(histogram, timed, 0.5), p90: quantile(histogram, timed, 0.9) }];
  }));
}

/* ---- charts ---- */

const HOURS = [1 / 60, 1 / 12, 0.25, 1, 4, 12, 24, 72, 168, 336, 720, 2880, 8760];
const AXIS = { grid: true, domain: false, ticks: false, labelPadding: 6, title: null };
const COUNTS = { ...AXIS, labelExpr: "datum.value ? format(datum.value, '~s') : '0'", tickCount: 4 };
const CONFIG = {
  aria: false, background: null, font: "system-ui, sans-serif", view: { stroke: null }, autosize: { type: "fit-x", contains: "padding" },
  axis: { labelColor: "var(--muted)", titleColor: "var(--muted)", gridColor: "var(--line)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
  legend: { labelColor: "var(--ink)", labelFontSize: 12, title: null, orient: "top", symbolType: "square", offset: 8, labelLimit: 160, columns: innerWidth < 480 ? 2 : 6 },
  text: { fill: "var(--ink)", fontSize: 12 }, bar: { cornerRadiusEnd: 2 },
};

/* A day is an interval, labelled in its middle; a hair of space between bars as long as there is room for one. */
function acrossDays(labels) {
  const span = selected.last - selected.first + 1, step = Math.ceil(span / labels), gap = span > 120 ? 0 : 0.08;
  const middles = [];
  for (let day = selected.first; day <= selected.last; day += step) middles.push(day + 0.5);
  const shown = `utcFormat(${Date.parse(DAYS[0])} + datum.value * 864e5, '${DAYS.length > 300 ? "%-d %b %y" : "%-d %b"}')`;
  return {
    x: {
      field: "from", type: "quantitative", scale: { domain: [selected.first, selected.last + 1], nice: false, zero: false },
      axis: { ...AXIS, grid: false, values: middles, labelExpr: shown, labelOverlap: true },
    },
    x2: { field: "to" },
    at: (day) => ({ day: DAYS[day], from: day + gap, to: day + 1 - gap }),
  };
}

/* Puts `heights` upon each other: Vega-Lite stacks no bars that have both ends across. */
function stacked(heights) {
  let top = 0;
  return heights.map((height) => ({ bottom: top, top: (top += height) }));
}

const CHARTS = {
  volume: {
    file: "complaints-by-day",
    make() {
      const channels = [...selected.channel].sort((a, b) => a - b);
      const found = sums(TABLES.daily, (table, row) => `${table.day[row]}/${table.channel[row]}`, ["complaints"]);
      const of = (day, channel) => (found.get(`${day}/${channel}`) || { complaints: 0 }).complaints;
      const known = new Set(TABLES.daily.day), days = acrossDays(8);
      const rows = [];
      for (let day = selected.first; day <= selected.last; day++) {
        const cells = channels.map((channel) => (known.has(day) ? of(day, channel) : null));
        rows.push([DAYS[day], ...cells, known.has(day) ? cells.reduce((a, b) => a + b, 0) : null]);
      }
      const columns = [["day", "text"], ...channels.map((channel) => [LABELS.channel[channel], "count"]), ["all channels", "count"]];
      const values = rows.flatMap((row, at) => row.at(-1) === null ? [] : stacked(row.slice(1, -1)).map((ends, of) => ({ ...days.at(selected.first + at), ...ends, channel: LABELS.channel[channels[of]], complaints: row[of + 1] })));
      const all = rows.reduce((sum, row) => sum + row.at(-1), 0), missing = rows.filter((row) => row.at(-1) === null).length;
      const by = channels.map((channel, at) => [LABELS.channel[channel], rows.reduce((sum, row) => sum + row[at + 1], 0)]).sort((a, b) => b[1] - a[1]);
      return {
        columns, rows, isEmpty: !all,
        title: `${by[0]?.[0]} brings ${percent(share(by[0]?.[1], all))} of ${count(all)} complaints`,
        what: `Complaints a day, by channel${missing ? `; no data for ${count(missing)} of ${count(rows.length)} days` : ""}`,
        spec: {
          height: 240, data: { values }, mark: { type: "rect", tooltip: true },
          encoding: {
            x: days.x, x2: days.x2, y: { field: "bottom", type: "quantitative", axis: COUNTS }, y2: { field: "top" },
            color: { field: "channel", type: "nominal", scale: { domain: channels.map((channel) => LABELS.channel[channel]), range: channels.map(colour) } },
            tooltip: [{ field: "day", title: "day" }, { field: "channel" }, { field: "complaints", type: "quantitative", format: "," }],
          },
        },
      };
    },
  },
  categories: {
    file: "complaints-by-category",
    make() {
      const all = total(TABLES.daily, ["complaints"]).complaints;
      const found = [...sums(TABLES.daily, (table, row) => table.category[row], ["complaints"])].map(([at, sum]) => ({ category: LABELS.category[at], ...sum, share: share(sum.complaints, all) })).sort(byCount);
      return {
        columns: [["category", "text"], ["complaints", "count"], ["share", "share"]], rows: found.map(Object.values), isEmpty: !all,
        title: `${found[0]?.category} leads with ${percent(found[0]?.share ?? null)} of complaints`,
        what: "Complaints by category, and their share",
        spec: bars(found, "category", (one) => `${count(one.complaints)} · ${percent(one.share)}`),
      };
    },
  },
  statuses: {
    file: "complaints-by-status",
    make() {
      const measures = ["complaints", ...STATUSES.map(([measure]) => measure)];
      const found = [...sums(TABLES.daily, (table, row) => table.day[row], measures)].sort((a, b) => a[0] - b[0]);
      const all = total(TABLES.daily, measures);
      const days = acrossDays(5), present = STATUSES.filter(([measure]) => all[measure]);
      const values = found.filter(([, sum]) => sum.complaints).flatMap(([day, sum]) => {
        const ends = stacked(present.map(([measure]) => sum[measure] / sum.complaints));
        return present.map(([measure, status], at) => ({ ...days.at(day), ...ends[at], status, complaints: sum[measure], share: percent(sum[measure] / sum.complaints) }));
      });
      return {
        columns: [["day", "text"], ["complaints", "count"], ...STATUSES.map(([, status]) => [status.toLowerCase(), "count"]), ["share resolved", "share"]],
        rows: found.map(([day, sum]) => [DAYS[day], ...Object.values(sum), share(sum.resolved, sum.complaints)]), isEmpty: !all.complaints,
        title: `${percent(share(all.resolved, all.complaints))} are resolved, ${count(all.backlog)} sit in the backlog`,
        what: "Share of each day's complaints by status",
        spec: {
          height: 220, data: { values }, mark: { type: "rect", tooltip: true },
          encoding: {
            x: days.x, x2: days.x2, y2: { field: "top" },
            y: { field: "bottom", type: "quantitative", scale: { domain: [0, 1], nice: false }, axis: { ...AXIS, format: ".0%", values: [0, 0.25, 0.5, 0.75, 1] } },
            color: { field: "status", type: "nominal", scale: { domain: present.map((one) => one[1]), range: present.map((one) => colour(one[2])) } },
            tooltip: [{ field: "day", title: "day" }, { field: "status" }, { field: "complaints", type: "quantitative", format: "," }, { field: "share" }],
          },
        },
      };
    },
  },
  times: {
    file: "time-to-resolution",
    make() {
      const name = (kind, at) => (at === "" ? `all ${kind === "channel" ? "channels" : "categories"}` : LABELS[kind][at]);
      const keys = [(table, row) => [table.channel[row], table.category[row]], (table, row) => [table.channel[row], ""], (table, row) => ["", table.category[row]], () => ["", ""]];
      const found = keys.flatMap((key) => [...times((table, row) => key(table, row).join("/"))].map(([at, one]) => {
        const [channel, category] = at.split("/").map((part) => (part === "" ? "" : Number(part)));
        return { at: channel, channel: name("channel", channel), category: name("category", category), isSum: channel === "" || category === "", ...one };
      }));
      const values = found.filter((one) => !one.isSum).map((one) => ({ ...one, half: hours(one.median), most: hours(one.p90), from: Math.max(one.median, HOURS[0]), to: Math.max(one.p90, HOURS[0]) }));
      const byChannel = found.filter((one) => one.isSum && one.at !== "").sort((a, b) => b.median - a.median), slowest = byChannel[0];
      const present = [...new Set(values.map((one) => one.at))].sort((a, b) => a - b);
      const ofChannel = { field: "channel", type: "nominal", scale: { domain: present.map((at) => LABELS.channel[at]), range: present.map(colour) } };
      const y = { field: "category", type: "nominal", axis: { ...AXIS, grid: false, labelLimit: 130 }, scale: { paddingInner: 0.25 } };
      const offset = { field: "channel", type: "nominal" };
      const least = Math.min(...values.map((one) => one.from)), most = Math.max(...values.map((one) => one.to));
      const scale = { type: "log", nice: false, domain: [HOURS.findLast((tick) => tick <= least) ?? HOURS[0], HOURS.find((tick) => tick >= most) ?? most] };
      const tooltip = [{ field: "channel" }, { field: "category" }, { field: "half", title: "median" }, { field: "most", title: "p90" }, { field: "timed", title: "complaints timed", format: "," }];
      return {
        columns: [["channel", "text"], ["category", "text"], ["complaints timed", "count"], ["median hours", "hours"], ["p90 hours", "hours"]],
        rows: found.map((one) => [one.channel, one.category, one.timed, one.median, one.p90]), isEmpty: !values.length,
        title: slowest && `${slowest.channel}: half are resolved within ${hours(slowest.median)}, nine in ten within ${hours(slowest.p90)}`,
        what: "Time from opening to resolution by category and channel: ● median, ◆ p90 (nine in ten are faster); logarithmic scale",
        spec: {
          height: (18 * present.length + 8) * new Set(values.map((one) => one.category)).size, data: { values },
          encoding: { y, yOffset: offset, color: ofChannel, tooltip },
          layer: [
            { mark: { type: "rule", strokeWidth: 2 }, encoding: { x: { field: "from", type: "quantitative", scale, axis: { ...AXIS, values: HOURS, labelOverlap: true, labelExpr: "datum.value < 1 ? format(datum.value * 60, '.0f') + ' min' : datum.value < 24 ? datum.value + ' h' : format(datum.value / 24, '.0f') + (datum.value < 25 ? ' day' : ' days')" } }, x2: { field: "to" } } },
            { mark: { type: "point", filled: true, size: 80, opacity: 1 }, encoding: { x: { field: "from", type: "quantitative", scale } } },
            { mark: { type: "point", filled: true, size: 80, shape: "diamond", opacity: 1 }, encoding: { x: { field: "to", type: "quantitative", scale } } },
          ],
        },
      };
    },
  },
  experience: {
    file: "agents-by-experience",
    make() {
      const found = [...sums(TABLES.agents, (table, row) => table.experience[row], ["complaints", "resolved"])].map(([at, sum]) => ({ experience: LABELS.experience[at], ...sum, share: share(sum.resolved, sum.complaints) })).sort(byCount);
      const ranked = found.filter((one) => one.experience !== "Unknown").sort((a, b) => b.share - a.share), [best, worst] = [ranked[0], ranked.at(-1)];
      return {
        columns: [["experience", "text"], ["complaints", "count"], ["resolved", "count"], ["share resolved", "share"]], rows: found.map(Object.values), isEmpty: !found.length,
        title: ranked.length > 1 ? `${best.experience} agents resolve most (${percent(best.share)}), ${worst.experience} agents least (${percent(worst.share)})` : best ? `${best.experience} agents resolve ${percent(best.share)}` : "No complaint has a known agent",
        what: "Complaints by the agent's experience, and the share resolved",
        spec: bars(found, "experience", (one) => `${count(one.complaints)} · ${percent(one.share)} resolved`, 3),
      };
    },
  },
  agents: {
    file: "agents",
    make() {
      const found = [...sums(TABLES.agents, (table, row) => `${table.agent[row]}/${table.experience[row]}`, ["complaints", "resolved"])].map(([key, sum]) => {
        const [agent, experience] = key.split("/").map(Number);
        return { agent: LABELS.agent[agent], at: experience, experience: LABELS.experience[experience], ...sum, share: share(sum.resolved, sum.complaints) };
      }).sort(byCount);
      const values = found.filter((one) => one.agent !== "Unknown").map((one) => ({ ...one, resolvedShare: percent(one.share) }));
      const shares = values.map((one) => one.share), present = [...new Set(values.map((one) => one.at))].sort((a, b) => a - b);
      const domain = present.map((at) => LABELS.experience[at]);
      return {
        columns: [["agent", "text"], ["experience", "text"], ["complaints", "count"], ["resolved", "count"], ["share resolved", "share"]],
        rows: found.map((one) => [one.agent, one.experience, one.complaints, one.resolved, one.share]), isEmpty: !values.length,
        title: `${count(new Set(values.map((one) => one.agent)).size)} agents resolve between ${percent(Math.min(...shares))} and ${percent(Math.max(...shares))}`,
        what: "Agents by complaints (across) and share resolved (up)",
        spec: {
          height: 230, data: { values }, mark: { type: "point", filled: true, size: 55, opacity: 0.85, tooltip: true },
          encoding: {
            x: { field: "complaints", type: "quantitative", scale: { zero: false, nice: true }, axis: { ...AXIS, format: ",d", tickCount: 4, title: "complaints" } },
            y: { field: "share", type: "quantitative", scale: { zero: false }, axis: { ...AXIS, format: Math.max(...shares) - Math.min(...shares) < 0.05 ? ".1%" : ".0%", tickCount: 5 } },
            color: { field: "experience", type: "nominal", scale: { domain, range: present.map(colour) } },
            shape: { field: "experience", type: "nominal", scale: { domain, range: present.map((at) => ["circle", "diamond", "square", "triangle-up", "cross"][at % 5]) } },
            tooltip: [{ field: "agent" }, { field: "experience" }, { field: "complaints", type: "quantitative", format: "," }, { field: "resolvedShare", title: "resolved" }],
          },
        },
      };
    },
  },
  repeats: {
    file: "repeated-complaints",
    make() {
      const sum = sums(TABLES.repeats, (table, row) => table.number[row], ["complaints"]);
      const all = total(TABLES.repeats, ["complaints"]).complaints, first = (sum.get(1) || { complaints: 0 }).complaints;
      const found = [...sum].sort((a, b) => a[0] - b[0]).map(([number, one]) => ({ number: NTH[number], ...one, share: share(one.complaints, all) }));
      return {
        columns: [["the customer's", "text"], ["complaints", "count"], ["share", "share"]], rows: found.map(Object.values), isEmpty: !all,
        title: `${percent(share(all - first, all))} come from customers who had complained within the 30 days before`,
        what: "Complaints by their number among the customer's own of the 30 days up to them",
        spec: bars(found, "number", (one) => `${count(one.complaints)} · ${percent(one.share)}`, 2),
      };
    },
  },
  outages: {
    file: "outages",
    make() {
      const complaints = sums(TABLES.daily, (table, row) => table.day[row], ["complaints"]);
      const measures = ["outages", "counted", "during", "by_chance"];
      const outages = sums(TABLES.outages, (table, row) => table.day[row], measures), all = total(TABLES.outages, measures);
      const days = acrossDays(5), rows = [];
      for (let day = selected.first; day <= selected.last; day++) {
        const found = outages.get(day) || {};
        rows.push([DAYS[day], complaints.get(day)?.complaints ?? null, found.outages ?? null, found.counted ?? null, found.during ?? null, found.by_chance ?? null]);
      }
      const values = rows.map((row, at) => ({ ...days.at(selected.first + at), complaints: row[1] ?? 0, outages: row[2] ?? 0, zero: 0 }));
      const panel = (field, height, at) => ({
        height, data: { values }, mark: { type: "rect", fill: colour(at), tooltip: true },
        encoding: {
          x: days.x, x2: days.x2, y: { field: "zero", type: "quantitative", axis: { ...COUNTS, tickCount: 3, minExtent: 44, maxExtent: 44, title: field } }, y2: { field },
          tooltip: [{ field: "day" }, { field: "complaints", type: "quantitative", format: "," }, { field: "outages", type: "quantitative", format: "," }],
        },
      });
      return {
        columns: [["day", "text"], ["complaints", "count"], ["outages", "count"], ["outages counted", "count"], ["complaints during", "count"], ["by chance", "tenths"]], rows, isEmpty: !all.outages,
        title: `${count(all.during)} complaints came during an outage in the customer's state; chance alone would bring ${count(Math.round(all.by_chance))}`,
        what: `Complaints a day against outages a day (${count(all.outages)} outages)`,
        spec: [panel("complaints", 110, 0), panel("outages", 70, 1)],
      };
    },
  },
};

/* Horizontal bars with their numbers beside them, in the order given. */
function bars(found, field, label, at = 0) {
  const most = Math.max(...found.map((one) => one.complaints));
  const values = found.map((one) => ({ ...one, label: label(one) }));
  return {
    height: 46 * found.length, data: { values },
    encoding: { y: { field, type: "nominal", sort: found.map((one) => one[field]), axis: { ...AXIS, grid: false, labelLimit: 130 } }, tooltip: [{ field }, { field: "label", title: "complaints" }] },
    layer: [
      { mark: { type: "bar", fill: colour(at), height: { band: 0.36 }, yOffset: 10 }, encoding: { x: { field: "complaints", type: "quantitative", axis: null, scale: { domain: [0, most] } } } },
      { mark: { type: "text", align: "left", baseline: "bottom", dy: 0 }, encoding: { text: { field: "label" }, x: { value: 0 } } },
    ],
  };
}

/* ---- tables and files ---- */

const FORMATS = { text: (value) => value, count, share: percent, hours: (value) => value.toFixed(2), tenths: (value) => value.toFixed(1) };

function cell(tag, text, isNumber) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (isNumber) made.className = "n";
  return made;
}

function table({ columns, rows }) {
  const made = document.createElement("table"), head = made.createTHead().insertRow(), body = made.createTBody();
  columns.forEach(([name, kind]) => head.append(Object.assign(cell("th", name, kind !== "text"), { scope: "col" })));
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((value, at) => line.append(cell("td", value === null ? "no data" : FORMATS[columns[at][1]](value), columns[at][1] !== "text")));
  }
  return made;
}

/* A spreadsheet takes a cell that begins so for a formula, or hides what follows. */
function csvCell(value) {
  const text = value === null ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function download(name, { columns, rows }) {
  const text = [columns.map(([column]) => column), ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = `${name}-${DAYS[selected.first]}-${DAYS[selected.last]}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/* ---- the page ---- */

function figures() {
  const all = total(TABLES.daily, ["complaints", "resolved", "in_progress", "backlog", "blocked", "unknown_status"]);
  const found = new Set();
  eachRow(TABLES.daily, (row) => found.add(TABLES.daily.day[row]));
  const time = times(() => "").get(""), byChannel = [...times((table, row) => table.channel[row])].sort((a, b) => a[0] - b[0]);
  const number = (one) => (sums(TABLES.repeats, (table, row) => table.number[row], ["complaints"]).get(one) || { complaints: 0 }).complaints;
  const known = total(TABLES.repeats, ["complaints"]).complaints;
  return [
    ["Complaints", count(all.complaints), found.size ? `${count(Math.round(all.complaints / found.size))} a day with data` : "none in this selection"],
    ["Resolved", percent(share(all.resolved, all.complaints)), `${count(all.resolved)} complaints`],
    ["Backlog", count(all.backlog), `besides ${count(all.in_progress)} in progress, ${count(all.blocked)} blocked`],
    ["Median time to resolution", hours(time ? time.median : null), byChannel.map(([at, one]) => `${LABELS.channel[at]} ${hours(one.median)}`).join(", ")],
    ["Repeated complaints", percent(share(known - number(1), known)), "within 30 days of another one of the customer's"],
  ];
}

function showFigures() {
  document.getElementById("figures").replaceChildren(...figures().map(([name, value, more]) => {
    const one = document.createElement("div");
    one.append(cell("dt", name), Object.assign(cell("dd", value), { className: "value" }), Object.assign(cell("dd", more), { className: "more" }));
    return one;
  }));
  const days = selected.last - selected.first + 1;
  document.getElementById("selection").textContent =
    days < 1 ? "The first day is after the last one: nothing is selected."
      : `${shownDay(DAYS[selected.first])} to ${shownDay(DAYS[selected.last])} (${count(days)} ${days === 1 ? "day" : "days"}), ${selected.channel.size} of ${LABELS.channel.length} channels, ${selected.category.size} of ${LABELS.category.length} categories`;
}

const views = new Map();

async function draw(id) {
  const section = document.getElementById(id), place = section.querySelector(".chart"), made = CHARTS[id].make();
  section.querySelector("h2").textContent = made.isEmpty ? "Nothing in this selection" : made.title;
  section.querySelector(".what").textContent = made.what;
  section.querySelector(".csv").disabled = made.isEmpty;
  section.querySelector(".csv").onclick = () => download(CHARTS[id].file, made);
  const details = section.querySelector("details"), scroll = section.querySelector(".scroll");
  scroll.setAttribute("aria-label", `${made.what}: table`);
  const fill = () => scroll.replaceChildren(...(details.open ? [table(made)] : []));
  details.ontoggle = fill;
  fill();
  for (const view of views.get(id) || []) view.finalize();
  const specs = made.isEmpty ? [] : [made.spec].flat();
  const panels = specs.map(() => Object.assign(document.createElement("div"), { ariaHidden: "true" })); // the chart's name is its title; its numbers stand in the table
  place.replaceChildren(...panels);
  const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, config: CONFIG };
  views.set(id, await Promise.all(specs.map((spec, at) => vegaEmbed(panels[at], { width: "container", ...spec }, options))));
}

let turn = 0;

async function show() {
  const mine = ++turn;
  delete document.documentElement.dataset.ready;
  readFilters();
  showFigures();
  for (const id of Object.keys(CHARTS)) {
    if (mine !== turn) return;
    await draw(id);
  }
  if (mine === turn) document.documentElement.dataset.ready = Math.round(performance.now());
}

form.addEventListener("change", show);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(show));
form.querySelectorAll("[data-last]").forEach((button) => button.addEventListener("click", () => {
  form.elements.to.value = DAYS.at(-1);
  form.elements.from.value = DAYS[Math.max(0, DAYS.length - Number(button.dataset.last))];
  show();
}));
show();
