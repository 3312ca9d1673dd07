// Each known model as a scaled-down replica in its published container: the engine packs it, and then
// is led against the reference, which had the weights before they were written.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { loss } from '../../models/reference/decoder.mjs';
import { value } from '../bench/peers/gguf.mjs';
import { writeFolder } from './generated.mjs';
import { modelKeys, officialKeys, writeModel } from './gguf-model.mjs';
import { guide } from './guide.mjs';
import { maxDifference, native, nativeLogits, nativeTrace, referenceLogits } from './helpers.mjs';
import { scratch } from './helpers.mjs';
import { makeReplica, REPLICAS, safetensorsOf } from './replicas.mjs';

const TEXT = 'Once upon a time, 3 foxes';
const IDS = [256, ...Buffer.from(TEXT)];

/** Llama's keys with Falcon-E's name for the pre-tokenizer. */
const falconKeys = (model) => ({
    ...modelKeys(model, 'llama'),
    'tokenizer.ggml.pre': value.string('falcon_e'),
});

/** The replica in its container, packed by the engine. */
function pack(replica, made, path) {
    const { gguf: arch } = replica;
    if (arch) {
        const keys = arch === 'llama' ? falconKeys(made.model) : officialKeys(made.model, arch);
        writeModel(path, made.model, { arch, ternary: 'I2_S', embed: 'F16', keys });
    } else {
        const bytes = safetensorsOf(replica, made);
        writeFolder(path, { config: replica.config, tokenizer: made.tokenizer, bytes });
    }
    native('pack', path, '-o', `${path}.trit`, '--head', 'f16');
    return `${path}.trit`;
}

const bitsPerByte = (all) =>
    all.slice(0, -1).reduce((nats, logits, i) => nats + loss(logits, IDS[i + 1]), 0) /
    Math.LN2 /
    TEXT.length;

REPLICAS.forEach((replica, i) =>
    test(`${replica.name}: integers, logits, bits per byte`, (t) => {
        const made = makeReplica(replica, i + 1);
        const { config } = made.model;
        const path = pack(replica, made, join(scratch, `replica-${i}`));
        const records = nativeTrace(path, IDS);
        const { seen, onSite } = guide(records);
        const expected = referenceLogits(made.model, IDS, { onSite });
        assert.equal(seen.sites, IDS.length * config.n_layer * 4);
        const found = nativeLogits(path, IDS, config.n_vocab);
        const largest = Math.max(...expected.map((logits) => Math.max(...logits.map(Math.abs))));
        const max = Math.max(...expected.map((logits, at) => maxDifference(logits, found[at])));
        const [a, b] = [bitsPerByte(found), bitsPerByte(expected)];
        t.diagnostic(
            `${seen.flips} of ${seen.numbers} integers differ; max |delta logit| ${max.toExponential(1)} ` +
                `of ${largest.toFixed(1)}; ${a.toFixed(6)} bits per byte, reference ${b.toFixed(6)}`,
        );
        assert.ok(max < 1e-5 * largest, `max |delta logit| ${max}`);
        assert.ok(Math.abs(a / b - 1) < 1e-6, `bits per byte ${a}, reference ${b}`);
    }),
);
