// What is stored is whole after the browser was killed; more kills: `npm run soak:kill`.
import assert from 'node:assert/strict';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { killOften } from './kill.mjs';
import { processesMissing } from './processes.mjs';

const RUNS = { chromium: 5, firefox: 5, node: 5 };
for (const [name, runs] of Object.entries(RUNS))
    for (const kind of name === 'node' ? ['packed', 'imported'] : ['packed']) {
        const skip =
            name === 'node' ? false : (browserMissing(name) ?? processesMissing() ?? false);
        test(`S3 ${name} is killed ${runs} times, ${kind}`, { skip }, async (t) => {
            const seed = Date.now() % 1e6;
            const report = (line) => t.diagnostic(line);
            const results = await killOften(name, kind, { runs, seed, report });
            assert.equal(results.length, runs);
            const kinds = new Set(results.map((result) => result.kind));
            assert.ok(
                kinds.size > 1,
                'all kills came before anything was stored, or after everything',
            );
        });
    }
