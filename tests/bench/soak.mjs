#!/usr/bin/env node
// `npm run soak`: models loaded and closed, engines crashed and started again, and long answers, all in one page, twice. What
// lives on the heaps of the page and its engine (in Chromium, which tells) and the engine's memory must be after the second time
// what they were after the first. The page's process may grow no more than one with as many workers in which none of our code
// runs, and by what that differs from run to run: Chromium keeps some kilobytes of each. Beside it stands the memory of the
// whole browser, whose own windows and services begin when they like.
import { positive, readTexts, runMain, UsageError } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { machine, markdown } from './report.mjs';
import { soak, soakBare } from './soaking.mjs';

const help = `usage: npm run soak -- [options]: all of it, and once more

  --hosts chromium,firefox
  --loads 200        a model is loaded and closed
  --crashes 100      its engine's worker is terminated and started again
  --tokens 20000     that one model says
  --threads 2
`;
const HOSTS = ['chromium', 'firefox'];
const defaults = {
    ...{ hosts: HOSTS.join(), loads: '200', crashes: '100', tokens: '20000', threads: '2' },
};
const MOST_DRIFT = 0.02;
/** Of the process, beyond its control's, which has come to 3 % in one run and 9 in another. */
const MOST_BEYOND = 0.1;
const SETTLE_MS = 60_000;

function readOptions(args) {
    const values = readTexts(args, Object.keys(defaults), defaults);
    const hosts = values.hosts.split(',');
    const unknown = hosts.find((name) => !HOSTS.includes(name));
    if (unknown !== undefined)
        throw new UsageError(`--hosts: there is no "${unknown}", only ${HOSTS}`);
    const names = ['loads', 'crashes', 'tokens', 'threads'];
    const times = Object.fromEntries(names.map((name) => [name, positive(name, values[name])]));
    return { ...values, hosts, times };
}

async function main(args) {
    const { help: asked, hosts, times } = readOptions(args);
    if (asked) return process.stdout.write(help);
    prepareTrit();
    const rows = [
        [
            ...['browser', 'page MB before', 'after', 'drift %', 'browser MB before', 'after'],
            ...['wasm bytes before', 'after', 'heaps kB before', 'after', 'same ids'],
            ...['bare workers: page MB before', 'after', 'drift %'],
        ],
    ];
    let isFine = true;
    for (const host of hosts) {
        const all = { ...times, settleMs: SETTLE_MS };
        const { before, after, bytesBefore, bytesAfter, drift } = await soak(host, all);
        const bare = await soakBare(host, all);
        const same = before.ids === after.ids;
        const mb = (bytes) => (bytes / 1e6).toFixed(1);
        rows.push([
            ...[host, mb(bytesBefore.page), mb(bytesAfter.page), (100 * drift).toFixed(2)],
            ...[mb(bytesBefore.browser), mb(bytesAfter.browser)],
            ...[String(before.wasmBytes), String(after.wasmBytes)],
            ...[bytesBefore, bytesAfter].map(({ heap }) => (heap ? (heap / 1e3).toFixed() : '')),
            same ? 'yes' : 'NO',
            ...[mb(bare.bytesBefore.page), mb(bare.bytesAfter.page), (100 * bare.drift).toFixed(2)],
        ]);
        console.error(rows.at(-1).join(', '));
        const [ownBefore, ownAfter] = [bytesBefore, bytesAfter].map(
            ({ heap }) => heap + after.wasmBytes,
        );
        isFine &&= same && before.wasmBytes === after.wasmBytes;
        isFine &&= ownAfter / ownBefore - 1 < MOST_DRIFT;
        isFine &&= drift - Math.max(0, bare.drift) < MOST_BEYOND;
    }
    const { cpu, cores, load } = machine();
    console.log(`${cpu}, ${cores} cores; load ${load}\n\n${markdown(rows)}`);
    if (!isFine) throw new Error('the memory or the answers are not what they were');
}

await runMain('soak', main);
