// The results as text, with tables for the log.
import { figure, markdown, speed } from '../report.mjs';

export const method = `
Speeds are medians over the rounds, with the smallest and the largest in brackets, in tokens a second.
Time is wall time as the caller in the engine's page or process sees it; no engine's own clock is used.
prefill: a prompt of new tokens until its first token is drawn. decode: the same prompt again, and the
drawing of that many tokens, greedily: one pass through the model for each, as the counts that every engine
returns were checked to say. All engines of a group are open at once and measured in turn in each round.
limit: read bandwidth, measured natively in each round, divided by the bytes of the weights, all of which
each token reads. other programs: the share of all cores that was in use before each round, while no engine
had anything to do; if it is not near 0, the figures mean little. ratio: trit's speed divided by the peer's
of the same round.
`.trim();

/** @param {{shape: string, threads: number}} group */
export const titleOf = ({ shape, threads }) =>
    `${shape}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;

const speedOf = (summary) => (summary ? speed(summary) : 'not measured');
const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

/** What a figure leaves out. */
export const notesOf = (engines) =>
    engines
        .filter(({ prefill, freshTokens }) => !(freshTokens in prefill))
        .map(
            ({ name, freshTokens }) =>
                `${name}'s prefill: the last ${freshTokens} tokens only, since it is slow.`,
        );

function engineTable({ engines, bandwidth }) {
    const lengths = [...new Set(engines.flatMap(({ prefill }) => Object.keys(prefill)))];
    const head = [
        'engine',
        ...lengths.map((length) => `prefill ${length}`),
        ...['decode', 'limit', 'weights MB', 'head', 'head MB', 'KV'],
    ];
    const rows = engines.map((engine) => [
        engine.name + (engine.version ? ` ${engine.version} (${engine.build})` : ''),
        ...lengths.map((length) => speedOf(engine.prefill[length])),
        speedOf(engine.decode),
        bandwidth ? figure(engine.decodeLimit) : 'unknown',
        megabytes(engine.modelBytes),
        engine.head,
        megabytes(engine.headBytes),
        engine.kv,
    ]);
    const kernels = engines.filter((engine) => engine.kernels);
    const lines = kernels.map((engine) => `${engine.name}'s kernels: ${engine.kernels}`);
    return [markdown([head, ...rows]), '', ...lines, ''].join('\n');
}

function ratioTable({ ratios, engines }) {
    const lengths = [...new Set(ratios.flatMap(({ prefill }) => Object.keys(prefill)))];
    const rows = ratios.map(({ name, peer, prefill, decode }) => [
        `${name} / ${peer}`,
        ...lengths.map((length) => speedOf(prefill[length])),
        speedOf(decode),
    ]);
    const head = ['ratio', ...lengths.map((length) => `prefill ${length}`), 'decode'];
    return [...(rows.length ? [markdown([head, ...rows]), ''] : []), ...notesOf(engines)].join(
        '\n',
    );
}

/** @param {Awaited<ReturnType<import('./compare.mjs').compare>>} results */
export function reportText({ machine, options, groups, failures }) {
    const { cpu, cores, chromium, node } = machine;
    const parts = [
        `${cpu}, ${cores} cores; Chromium ${chromium}; Node ${node}`,
        `${options.rounds} rounds, decode of ${options.decode} tokens at depth ${options.depth}, ` +
            `peers' fused attention: ${options.flash}`,
    ];
    for (const group of groups) {
        const { bandwidth, busy } = group;
        const read = bandwidth ? `${figure(bandwidth.median / 1e9)} GB/s` : 'not measured';
        const others = `${(100 * busy.median).toFixed(0)} % (at most ${(100 * busy.max).toFixed(0)} %)`;
        parts.push(`\n== ${titleOf(group)}: read bandwidth ${read}, other programs took ${others}`);
        if (group.engines.length > 0) parts.push(engineTable(group), ratioTable(group));
    }
    parts.push('', method);
    if (failures.length > 0)
        parts.push('', ...failures.map(({ what, message }) => `FAILED: ${what}: ${message}`));
    return parts.join('\n');
}
