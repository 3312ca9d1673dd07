#!/usr/bin/env node
// `npm run bench:abort`: how long a prefill goes on after the caller has stopped it, and whether the engine
// then answers as a fresh one does.
import { parseArgs } from 'node:util';
import { hostMakers, openEngine } from './hosts.mjs';
import { prepareTrit } from './prepare.mjs';
import { figure, markdown } from './report.mjs';

const { values } = parseArgs({
    options: {
        shape: { type: 'string', default: '2B4T' },
        hosts: { type: 'string', default: 'node24,chromium' },
        flavours: { type: 'string', default: 'simd128,relaxed' },
        threads: { type: 'string', default: '1,2' },
        prompt: { type: 'string', default: '2000' },
        times: { type: 'string', default: '50' },
        /** The prefill is stopped at a random moment up to here, milliseconds. */
        within: { type: 'string', default: '2000' },
    },
});
const numbers = Object.fromEntries(
    ['prompt', 'times', 'within'].map((name) => [name, Number(values[name])]),
);
const list = (name) => values[name].split(',');

/** The value that this share of the sorted ones does not exceed. */
const quantile = (sorted, share) => sorted[Math.ceil(share * sorted.length) - 1];

/** A row of the table; throws when the engine answers otherwise than a fresh one. */
async function measure(host, wish) {
    const fresh = await openEngine(host, wish);
    const expected = await fresh.answer();
    await fresh.close();
    const engine = await openEngine(host, wish);
    const times = [];
    for (let i = 0; i < numbers.times; i++)
        times.push(await engine.abort(numbers.prompt, Math.random() * numbers.within));
    const answer = await engine.answer();
    await engine.close();
    if (answer !== expected) throw new Error('after the stops the engine gives other logits');
    times.sort((a, b) => a - b);
    const shown = [quantile(times, 0.5), quantile(times, 0.99), times.at(-1)].map(figure);
    return [host.version, wish.flavour, String(wish.threads), engine.info.kernels, ...shown];
}

prepareTrit();
const rows = [['host', 'flavour', 'threads', 'kernels', 'median ms', '99 % ms', 'longest ms']];
for (const name of list('hosts')) {
    const host = await hostMakers[name]();
    try {
        for (const flavour of list('flavours'))
            for (const threads of list('threads').map(Number)) {
                const contextLength = numbers.prompt;
                const wish = { shape: values.shape, flavour, threads, contextLength };
                rows.push(await measure(host, wish));
                console.error(rows.at(-1).join(', '));
            }
    } finally {
        await host.close();
    }
}
console.log(`${values.shape}, prefill of ${numbers.prompt} tokens stopped ${numbers.times} times`);
console.log(markdown(rows));
