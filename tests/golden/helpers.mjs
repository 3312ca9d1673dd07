// What the golden tests share: the model, the golden outputs, and the engine's native tool.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Decoder, loss } from '../../models/reference/decoder.mjs';
import { readPacked } from '../../models/reference/packed.mjs';
import { Tokenizer } from '../../models/reference/tokenizer.mjs';
import { withInt8Head, writePacked } from '../../models/reference/write.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const data = join(root, 'tests/golden/data');
const modelFile = join(root, 'models/tiny-tales/tiny-tales-f16.trit');
const tool = process.env.TRIT_NATIVE ?? join(root, 'build/release/trit-native');

export const goldens = JSON.parse(readFileSync(join(data, 'goldens.json'), 'utf8'));
export const goldenScales = JSON.parse(readFileSync(join(data, 'scales.json'), 'utf8'));
export const extractText = readFileSync(join(data, 'extract.txt'), 'utf8');
export const goldenLogits = floats(join(data, 'logits-last.bin'));
export const goldenHidden = floats(join(data, 'hidden.bin'));

export const scratch = mkdtempSync(join(tmpdir(), 'trit-golden-'));
process.on('exit', () => rmSync(scratch, { recursive: true }));

/** A file of little-endian float32. */
export function floats(path) {
    const bytes = readFileSync(path);
    return new Float32Array(new Uint8Array(bytes).buffer);
}

/**
 * tiny-tales as { path, model }. The int8 file is made from the f16 one by the reference, so the
 * engine is also shown to read a packed file that it did not write.
 */
export function loadModel(head) {
    const model = readPacked(readFileSync(modelFile));
    if (head === 'f16') return { path: modelFile, model };
    const int8 = withInt8Head(model);
    const path = join(scratch, 'tiny-tales-int8.trit');
    writeFileSync(path, writePacked(int8));
    return { path, model: int8 };
}

/** Runs the native tool and returns what it printed. */
export function native(...args) {
    if (!existsSync(tool)) throw new Error(`${tool} is not there: build it, or set TRIT_NATIVE`);
    return execFileSync(tool, args, { encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 26 });
}

let files = 0;
const newFile = () => join(scratch, `out-${files++}`);

/** The engine's logits after every token, as one array for each. */
export function nativeLogits(path, ids, vocab) {
    const out = newFile();
    native('logits', '-m', path, '--ids', ids.join(), '--all', '--out', out);
    const all = floats(out);
    if (all.length !== ids.length * vocab) throw new Error(`logits: ${all.length} numbers`);
    return ids.map((_, i) => all.subarray(i * vocab, (i + 1) * vocab));
}

const SITES = ['qkv', 'o', 'gate_up', 'down', 'head'];

/** The integers that entered the engine's linear sites: 'layer site position' to { codes, s }. */
export function nativeTrace(path, ids) {
    const out = newFile();
    native('trace', '-m', path, '--ids', ids.join(), '--out', out);
    const bytes = new Uint8Array(readFileSync(out));
    const view = new DataView(bytes.buffer);
    const records = new Map();
    for (let at = 0; at < bytes.length;) {
        const [layer, site, position, n] = [0, 4, 8, 12].map((i) => view.getInt32(at + i, true));
        const key = `${layer} ${SITES[site]} ${position}`;
        if (records.has(key)) throw new Error(`trace: ${key} came twice`);
        records.set(key, {
            s: view.getFloat32(at + 16, true),
            codes: new Int8Array(bytes.buffer, at + 20, n),
        });
        at += 20 + n;
    }
    return records;
}

/** The windows of goldens.json, "perplexity": 511 tokens of the extract, each after a BOS. */
export function extractWindows(model) {
    const ids = new Tokenizer(model.tokenizer).encode(extractText);
    const windows = [];
    for (let i = 0; i < ids.length; i += 511)
        windows.push([model.config.bos_id, ...ids.slice(i, i + 511)]);
    return windows;
}

/** Bits per byte of the extract; `score(window)` gives the logits after each of its tokens. */
export function bitsPerByte(model, score) {
    let nats = 0;
    for (const window of extractWindows(model))
        score(window).forEach((logits, i) => {
            if (i + 1 < window.length) nats += loss(logits, window[i + 1]);
        });
    return nats / Math.LN2 / Buffer.byteLength(extractText);
}

/** The reference's logits after every token. */
export function referenceLogits(model, ids, hooks) {
    const decoder = new Decoder(model, hooks);
    return ids.map((id) => decoder.step(id));
}

/** Largest |a - b|. */
export function maxDifference(a, b) {
    let max = 0;
    for (let i = 0; i < a.length; i++) max = Math.max(max, Math.abs(a[i] - b[i]));
    return max;
}
