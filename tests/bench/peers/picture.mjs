// The results as bars: decode on the left with the limit that memory sets, prefill on the right.
import { figure } from '../report.mjs';
import { notesOf, titleOf } from './report.mjs';

const [ROW, LABEL, AREA, GAP, VALUE] = [22, 190, 330, 40, 60];
const columns = [LABEL, LABEL + AREA + GAP];
const width = columns[1] + AREA + 20;
const colours = { ours: '#2563eb', peer: '#9ca3af', limit: '#dc2626' };

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escape = (text) => String(text).replace(/[&<>]/g, (character) => escapes[character]);
const text = (x, y, content, more = '') =>
    `<text x="${x}" y="${y}" ${more}>${escape(content)}</text>`;
const line = (x1, y1, x2, y2, colour, thickness) =>
    `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}" stroke-width="${thickness}"/>`;

/** One bar with its range; nothing but a word when the engine has no figure. */
function bar(x, y, summary, scale, colour) {
    if (!summary) return text(x + 4, y + 15, 'not measured', 'fill="#6b7280"');
    const at = (value) => (x + value * scale).toFixed(1);
    const end = Math.max(summary.median, summary.max) * scale;
    return [
        `<rect x="${x}" y="${y + 3}" width="${(summary.median * scale).toFixed(1)}" height="16" fill="${colour}"/>`,
        line(at(summary.min), y + 11, at(summary.max), y + 11, '#111827', 1.5),
        text((x + end + 6).toFixed(1), y + 15, figure(summary.median)),
    ].join('\n');
}

/** Pixels a token a second, so that the largest figure and its text fit. */
function scaleOf(values) {
    return (AREA - VALUE) / Math.max(...values.filter(Number.isFinite), Number.MIN_VALUE);
}

function drawGroup(group, depth, y) {
    const { bandwidth, engines } = group;
    const prefills = engines.map(({ prefill }) => prefill[depth]);
    const most = (summaries) => summaries.map((summary) => summary?.max);
    const limits = engines.map(({ decodeLimit }) => decodeLimit ?? NaN);
    const decodeScale = scaleOf([...most(engines.map(({ decode }) => decode)), ...limits]);
    const prefillScale = scaleOf(most(prefills));
    const read = bandwidth ? `${figure(bandwidth.median / 1e9)} GB/s` : 'unknown';
    const parts = [
        text(10, y, titleOf(group), 'font-weight="bold"'),
        text(columns[0], y, `decode, tokens a second (read bandwidth ${read})`),
        text(columns[1], y, `prefill of ${depth}, tokens a second`),
    ];
    engines.forEach((engine, i) => {
        const top = y + 8 + i * ROW;
        const colour = engine.name.startsWith('trit') ? colours.ours : colours.peer;
        parts.push(text(LABEL - 8, top + 15, engine.name, 'text-anchor="end"'));
        parts.push(bar(columns[0], top, engine.decode, decodeScale, colour));
        parts.push(bar(columns[1], top, prefills[i], prefillScale, colour));
        if (!bandwidth) return;
        const limit = (columns[0] + limits[i] * decodeScale).toFixed(1);
        parts.push(line(limit, top + 1, limit, top + 21, colours.limit, 2));
    });
    return parts.join('\n');
}

/** @param {Awaited<ReturnType<import('./compare.mjs').compare>>} results */
export function drawPicture({ machine, options, groups }) {
    const parts = [
        text(10, 24, 'trit and its peers', 'font-size="16" font-weight="bold"'),
        text(
            10,
            44,
            `${machine.cpu}, ${options.rounds} rounds. Bar: median; black line: smallest to largest; ` +
                'red line: read bandwidth / bytes of the weights.',
        ),
        text(10, 62, [...new Set(groups.flatMap(({ engines }) => notesOf(engines)))].join(' ')),
    ];
    let y = 92;
    for (const group of groups) {
        parts.push(drawGroup(group, options.depth, y));
        y += group.engines.length * ROW + 44;
    }
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" ` +
            'font-family="sans-serif" font-size="12" fill="#111827">',
        `<rect width="${width}" height="${y}" fill="#ffffff"/>`,
        ...parts,
        '</svg>\n',
    ].join('\n');
}
