#!/usr/bin/env node
// `npm run bench:abort`: how long a prefill and decoding go on after the caller has stopped them, and whether the
// engine then answers as a fresh one does.
import { hostMakers, openEngine } from './hosts.mjs';
import { hostList, positive, readTexts, runMain } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { figure, markdown } from './report.mjs';

const help = `usage: npm run bench:abort -- [options]

  --shape 2B4T                a model of random weights; also tiny, 0.7B, Falcon3-7B
  --hosts node24,chromium     also node, the one on PATH, firefox and webkit
  --flavours simd128,relaxed
  --threads 1,2
  --prompt 2000               tokens of the prefill, and room for those that are decoded
  --times 50                  how often it is stopped
  --within 2000               at a random moment of so many milliseconds from its beginning
`;

const defaults = {
    ...{ shape: '2B4T', hosts: 'node24,chromium', flavours: 'simd128,relaxed', threads: '1,2' },
    ...{ prompt: '2000', times: '50', within: '2000' },
};

/** That 99 of 100 stops may take. */
const MOST_MS = 200;

/** The value that this share of the sorted ones does not exceed. */
const quantile = (sorted, share) => sorted[Math.ceil(share * sorted.length) - 1];

/** A row of the table; throws when the engine answers otherwise than a fresh one. */
async function measure(host, wish, { times: n, within }) {
    const fresh = await openEngine(host, wish);
    const expected = await fresh.answer();
    await fresh.close();
    const engine = await openEngine(host, wish);
    const shown = [];
    for (const decode of [false, true]) {
        const times = [];
        for (let i = 0; i < n; i++) {
            const afterMs = Math.random() * within;
            times.push(await engine.abort({ prompt: wish.contextLength, decode, afterMs }));
        }
        times.sort((a, b) => a - b);
        const worst = [quantile(times, 0.5), quantile(times, 0.99), times.at(-1)];
        const verdict = worst[1] > MOST_MS ? ': TOO LONG' : '';
        shown.push(worst.map(figure).join(', ') + verdict);
    }
    const answer = await engine.answer();
    await engine.close();
    if (answer !== expected) throw new Error('after the stops the engine gives other logits');
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
    const what = ['prefill', 'decode'].map((name) => `${name}: median, 99 %, longest ms`);
    const rows = [['host', 'flavour', 'threads', 'kernels', ...what]];
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
    console.log(
        `${values.shape}, prefill of ${prompt} tokens and decoding, each stopped ${times} times`,
    );
    console.log(markdown(rows));
}

await runMain('bench:abort', main);
