// Random JSON schemas, an answer for each, and a validator that is not ours. `npm run bench:schema` takes 500.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { Trit } from '../../web/node.js';
import { root } from './helpers.mjs';
import { answerSchemas, faultOf } from './schemas.mjs';

test('answers by 100 random schemas are valid', async (t) => {
    assert.notEqual(faultOf({ type: 'integer', maximum: 3 }, '4'), '', 'the validator judges');
    const model = await Trit.load(join(root, 'models/tiny-stories/tiny-stories.trit'), {
        threads: 1,
    });
    t.after(() => model.close());
    const { faults, ...counts } = await answerSchemas(model, { first: 1000, n: 100 });
    t.diagnostic(JSON.stringify(counts));
    assert.deepEqual(faults, []);
    assert.equal(counts.valid, 100);
});
