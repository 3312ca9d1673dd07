// The engine against the reference, step by step. At every linear site the reference computes its
// own integers from its own input; the engine's may differ by 1 and only where the reference stands
// next to a rounding boundary. It goes on with the engine's integers, so that one such difference
// does not spread, and at the end all logits must agree closely.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    goldens,
    loadModel,
    maxDifference,
    nativeLogits,
    nativeTrace,
    referenceLogits,
} from './helpers.mjs';

const BOUNDARY = 1e-3;
// the int8 head rounds the hidden vector once more, and those integers are not handed over
const LOGITS = { f16: 1e-4, int8: 1e-3 };

/** A hook for the reference that checks and hands over the engine's integers. */
function guide(records) {
    const seen = { sites: 0, numbers: 0, flips: 0, farthest: 0 };
    const onSite = ({ layer, site, position, s, scaled, codes }) => {
        const key = `${layer} ${site} ${position}`;
        const record = records.get(key);
        assert.ok(record, `the engine did not report ${key}`);
        assert.equal(record.codes.length, codes.length, key);
        assert.ok(Math.abs(record.s / s - 1) < 1e-5, `${key}: scale ${record.s}, reference ${s}`);
        record.codes.forEach((code, i) => {
            if (code === codes[i]) return;
            const boundary = Math.min(code, codes[i]) + 0.5;
            const distance = Math.abs(scaled[i] - boundary);
            const what = `${key} [${i}]: ${code}, reference ${scaled[i]}`;
            assert.ok(Math.abs(code - codes[i]) === 1 && distance < BOUNDARY, what);
            seen.flips++;
            seen.farthest = Math.max(seen.farthest, distance);
        });
        seen.sites++;
        seen.numbers += codes.length;
        return record.codes;
    };
    return { seen, onSite };
}

for (const head of ['f16', 'int8']) {
    const { path, model } = loadModel(head);
    for (const { name, ids } of goldens.prompts)
        test(`head ${head}, prompt ${name}: integers and logits`, (t) => {
            const records = nativeTrace(path, ids);
            const { seen, onSite } = guide(records);
            const expected = referenceLogits(model, ids, { onSite });
            assert.equal(seen.sites, records.size, 'sites that only the engine reported');
            assert.equal(seen.sites, ids.length * model.config.n_layer * 4);
            const found = nativeLogits(path, ids, model.config.n_vocab);
            const differences = expected.map((logits, i) => maxDifference(logits, found[i]));
            const max = Math.max(...differences);
            t.diagnostic(
                `${seen.flips} of ${seen.numbers} integers differ, the farthest ${seen.farthest.toExponential(1)} ` +
                    `from its boundary; max |delta logit| ${max.toExponential(1)}`,
            );
            assert.ok(max < LOGITS[head], `max |delta logit| ${max}`);
        });
}
