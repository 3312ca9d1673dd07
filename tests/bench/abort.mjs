#!/usr/bin/env node
// `npm run bench:abort`: how long a prefill goes on after the caller has stopped it, and whether the engine
// then answers as a fresh one does.
import { hostMakers, openEngine } from './hosts.mjs';
import { hostList, positive, readTexts, runMain } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { figure, markdown } from './report.mjs';

const help = `usage: npm run bench:abort -- [options]

  --shape 2B4T                a model of random weights; also tiny, 0.7B, Falcon3-7B
  --hosts node24,chromium     also node, the one on PATH, firefox and webkit
  --flavours simd128,relaxed
  --threads 1,2
  --prompt 2000               tokens of the prefill
  --times 50                  how often it is stopped
  --within 2000               at a random moment of so many milliseconds from its beginning
`;

const defaults = {
    ...{ shape: '2B4T', hosts: 'node24,chromium', flavours: 'simd128,relaxed', threads: '1,2' },
    ...{ prompt: '2000', times: '50', within: '2000' },
};

/** The value that this share of the sorted ones does not exceed. */
const quantile = (sorted, share) => sorted[Math.ceil(share * sorted.length) - 1];

/** A row of the table; throws when the engine answers otherwise than a fresh one. */
async function measure(host, wish, { times: n, within }) {
    const fresh = await openEngine(host, wish);
    const expected = await fresh.answer();
    await fresh.close();
    const engine = await openEngine(host, wish);
    const times = [];
    for (let i = 0; i < n; i++)
        times.push(await engine.abort(wish.contextLength, Math.random() * within));
    const answer = await engine.answer();
    await engine.close();
    if (answer !== expected) throw new Error('after the stops the engine gives other logits');
    times.sort((a, b) => a - b);
    const shown = [quantile(times, 0.5), quantile(times, 0.99), times.at(-1)].map(figure);
    return [host.version, wish.flavour, String(wish.threads), engine.info.kernels, ...shown];
}

async function main(args) {
    const values = readTexts(args, Object.keys(defaults), defaults);
    if (values.help) return process.stdout.write(help);
    const [prompt, times, within] = ['prompt', 'times', 'within'].map((name) =>
        positive(name, values[name]),
    );
    const hosts = hostList(values.hosts);
    const threads = values.threads.split(',').map((text) => positive('threads', text));
    prepareTrit();
    const rows = [['host', 'flavour', 'threads', 'kernels', 'median ms', '99 % ms', 'longest ms']];
    for (const name of hosts) {
        const host = await hostMakers[name]();
        try {
            for (const flavour of values.flavours.split(','))
                for (const n of threads) {
                    const { shape } = values;
                    const wish = { shape, flavour, threads: n, contextLength: prompt };
                    rows.push(await measure(host, wish, { times, within }));
                    console.error(rows.at(-1).join(', '));
                }
        } finally {
            await host.close();
        }
    }
    console.log(`${values.shape}, prefill of ${prompt} tokens stopped ${times} times`);
    console.log(markdown(rows));
}

await runMain('bench:abort', main);
