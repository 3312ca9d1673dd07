// What is stored is whole after the browser was killed; more kills: `npm run soak:kill`.
import assert from 'node:assert/strict';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { killOften } from './kill.mjs';
import { processesMissing } from './processes.mjs';

for (const [name, runs] of Object.entries({ chromium: 5, firefox: 5, node: 10 })) {
    const skip = name === 'node' ? false : (browserMissing(name) ?? processesMissing() ?? false);
    test(`S3 ${name} is killed ${runs} times`, { skip }, async (t) => {
        const seed = Date.now() % 1e6;
        const results = await killOften(name, { runs, seed, report: (line) => t.diagnostic(line) });
        assert.equal(results.length, runs);
        const kinds = new Set(results.map(({ kind }) => kind));
        assert.ok(kinds.size > 1, 'all kills came before anything was stored, or after everything');
    });
}
