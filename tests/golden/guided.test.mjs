// The engine against the reference, step by step. At every linear site the reference computes its
// own integers from its own input; the engine's may differ by 1 and only where the reference stands
// next to a rounding boundary. It goes on with the engine's integers, so that one such difference
// does not spread, and at the end all logits must agree closely.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { guide } from './guide.mjs';
import {
    goldens,
    loadModel,
    maxDifference,
    nativeLogits,
    nativeTrace,
    referenceLogits,
} from './helpers.mjs';

// the int8 head rounds the hidden vector once more, and those integers are not handed over
const LOGITS = { f16: 1e-4, int8: 1e-3 };

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
