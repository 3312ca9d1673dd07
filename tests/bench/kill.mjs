#!/usr/bin/env node
// `npm run soak:kill`: browsers, and Node, are killed at random moments of a load that stores; what they find
// when they start again must be whole (tests/web/kill.mjs).
import { killOften } from '../web/kill.mjs';
import { positive, readTexts, runMain, UsageError } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { markdown } from './report.mjs';

const help = `usage: npm run soak:kill -- [options]

  --runs 50                     of each host
  --hosts chromium,firefox,node
  --kinds packed,imported       a packed file, and one that is packed while it comes
  --seed N                      the moments; without it, others each time
`;
const HOSTS = ['chromium', 'firefox', 'node'];
const KINDS = ['packed', 'imported'];
const defaults = {
    runs: '50',
    hosts: HOSTS.join(),
    kinds: KINDS.join(),
    seed: String((Date.now() % 1e6) + 1),
};

function rowOf(host, results) {
    const count = (wanted) => String(results.filter(({ kind }) => kind === wanted).length);
    const twice = results.map((result) => result.twice).sort((a, b) => a - b);
    const middle = twice[twice.length >> 1];
    return [
        ...[host, String(results.length)],
        ...['nothing', 'some records', 'all records, not complete', 'complete'].map(count),
        `${middle} (${twice[0]}–${twice.at(-1)})`,
    ];
}

async function main(args) {
    const values = readTexts(args, Object.keys(defaults), defaults);
    if (values.help) return process.stdout.write(help);
    const list = (option, known) =>
        values[option].split(',').map((name) => {
            if (known.includes(name)) return name;
            throw new UsageError(`--${option}: there is no "${name}", only ${known}`);
        });
    const [hosts, kinds] = [list('hosts', HOSTS), list('kinds', KINDS)];
    const runs = positive('runs', values.runs);
    const seed = positive('seed', values.seed);
    prepareTrit();
    const rows = [];
    for (const host of hosts)
        for (const kind of kinds) {
            const results = await killOften(host, kind, { runs, seed, report: console.error });
            rows.push(rowOf(`${host}, ${kind}`, results));
        }
    const head = [
        'host',
        'kills',
        'found nothing',
        'some records',
        'all, not complete',
        'complete',
    ];
    console.log(`seed ${seed}\n\n${markdown([[...head, 'bytes sent twice'], ...rows])}`);
}

await runMain('soak:kill', main);
