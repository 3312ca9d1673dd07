#!/usr/bin/env node
// `npm run bench:probe`: how near the speed and memory that `Trit.probe` foretells are to what a model of random weights
// then has.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { Trit } from '../../web/node.js';
import { positive, readTexts, runMain } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { figure, markdown } from './report.mjs';

const help = `usage: npm run bench:probe -- [options]

  --shapes 2B4T,0.7B   models of random weights
  --threads 1,2
  --rounds 3           how often each is foretold and measured
`;

const defaults = { shapes: '2B4T,0.7B', threads: '1,2', rounds: '3' };
const contextLength = 512;
const cli = new URL('../../web/cli.js', import.meta.url).pathname;

/** Foretold, then measured: tokens a second of decode and prefill, and megabytes. */
async function compare(path, threads) {
    const wish = { threads, contextLength };
    const { expected, memoryBytes } = await Trit.probe(path, wish);
    const model = await Trit.load(path, wish);
    await model.measure({ prefill: 64, decode: 4 });
    const real = await model.measure({ prefill: 64, decode: 24 });
    model.close();
    return [
        [expected.decodeTokensPerSecond, 24_000 / real.decodeMs],
        [expected.prefillTokensPerSecond, 64_000 / real.prefillMs],
        [memoryBytes / 1e6, real.memoryBytes / 1e6],
    ];
}

async function main(args) {
    const values = readTexts(args, Object.keys(defaults), defaults);
    if (values.help) return process.stdout.write(help);
    const rounds = positive('rounds', values.rounds);
    const threads = values.threads.split(',').map((text) => positive('threads', text));
    prepareTrit();
    const folder = mkdtempSync(join(tmpdir(), 'trit-probe-'));
    const what = ['decode tok/s', 'prefill tok/s', 'MB'];
    const rows = [['shape', 'threads', ...what.flatMap((name) => [`${name} foretold`, 'real'])]];
    try {
        for (const shape of values.shapes.split(',')) {
            const path = join(folder, `${shape}.trit`);
            const made = spawnSync(process.execPath, [
                cli,
                'pack',
                '--synthetic',
                shape,
                '-o',
                path,
            ]);
            if (made.status !== 0) throw new Error(String(made.stderr));
            for (const n of threads)
                for (let round = 0; round < rounds; round++) {
                    const pairs = await compare(path, n);
                    rows.push([shape, String(n), ...pairs.flat().map(figure)]);
                    console.error(rows.at(-1).join(', '));
                }
            rmSync(path);
        }
    } finally {
        rmSync(folder, { recursive: true });
    }
    console.log(markdown(rows));
}

await runMain('bench:probe', main);
