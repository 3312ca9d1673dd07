// R24 in short; `npm run soak` does it 40 times as often.
import assert from 'node:assert/strict';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { soak } from '../bench/soaking.mjs';
import { processesMissing } from './processes.mjs';

const missing = browserMissing('chromium') || processesMissing();

test(
    'R24 loads, crashes and long answers leave memory and answers as they were',
    { skip: missing ?? false },
    async (t) => {
        const times = { loads: 5, crashes: 5, tokens: 500, threads: 2, settleMs: 10_000 };
        const { before, after, drift } = await soak('chromium', times);
        t.diagnostic(`${(100 * drift).toFixed(1)} % more than before`);
        assert.equal(after.ids, before.ids);
        assert.equal(after.wasmBytes, before.wasmBytes);
        assert.equal(after.restarts, before.restarts + 5);
        // an engine that stayed each time would be 100 % and more; nine workers without our code have left 17 %
        assert.ok(drift < 0.25, `${100 * drift} %`);
    },
);
