#!/usr/bin/env node
// `npm run bench:agree`: how often native llama.cpp and trit find the same token the most likely, along
// the same texts. llama.cpp reads what `trit convert --to tq2_0` writes; it rounds activations in blocks
// of 256, so that small leads change hands.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPacked } from '../../../models/reference/packed.mjs';
import { writePacked } from '../../../models/reference/write.mjs';
import { repoDir } from '../../../wasm/toolchain/paths.mjs';
import { makeReplica, REPLICAS } from '../../golden/replicas.mjs';
import { prepareTrit } from '../prepare.mjs';
import { buildDir, preparePeers } from './prepare.mjs';

const help = `usage: npm run bench:agree

How often native llama.cpp and trit find the same token the most likely, on files that trit convert writes.
It has no options. The first run unpacks llama.cpp, and each takes some minutes.
`;

const [WINDOWS, WINDOW] = [4, 500];
const talesFile = join(repoDir, 'models/tiny-tales/tiny-tales-f16.trit');

const tales = (ffn) => {
    const model = readPacked(readFileSync(talesFile));
    model.config.ffn = ffn;
    return model;
};
function randomReplica() {
    const replica = REPLICAS.find(({ name }) => name === '1bitLLM/bitnet_b1_58-large');
    const config = { ...replica.config, max_position_embeddings: WINDOW };
    return makeReplica({ ...replica, config }, 1).model;
}

/** `atLeast`: the share below which the command fails. */
const MODELS = [
    { name: 'tiny-tales, its matrices behind SiLU', make: () => tales('glu_silu'), atLeast: 0.95 },
    { name: 'bitnet_b1_58-large, small, random', make: randomReplica },
    { name: 'tiny-tales, squared ReLU', make: () => tales('glu_relu2') },
];

/** Stories of tiny-tales, one after the other, in windows that begin with BOS. */
async function makeTexts(Trit) {
    const model = await Trit.load(talesFile, { threads: 1 });
    const windows = [];
    for (let seed = 1; windows.length < WINDOWS;) {
        const ids = [model.info.bosId];
        while (ids.length < WINDOW) {
            const story = model.generate('Once upon a time', { maxTokens: 400, seed: seed++ });
            ids.push(...(await story.result).ids);
        }
        windows.push(ids.slice(0, WINDOW));
    }
    model.close();
    return windows;
}

/** The most likely token after each of the ids, and its lead over the second. */
async function tritChoices(Trit, file, windows) {
    const model = await Trit.load(file, { threads: 1 });
    const { nVocab } = model.info;
    const choices = [];
    for (const ids of windows) {
        const all = await model.logits(ids, { all: true });
        for (let at = 0; at < all.length; at += nVocab) {
            const logits = all.subarray(at, at + nVocab);
            const id = logits.reduce((best, x, i) => (x > logits[best] ? i : best), 0);
            const second = logits.reduce((max, x, i) => (i !== id && x > max ? x : max), -Infinity);
            choices.push({ id, lead: logits[id] - second });
        }
    }
    model.close();
    return choices;
}

async function llamaChoices(llama, file, windows) {
    const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
    const context = await model.createContext({ contextSize: WINDOW + 8, threads: 1 });
    const sequence = context.getSequence();
    const choices = [];
    for (const ids of windows) {
        await sequence.clearHistory();
        const generateNext = { token: true, options: { temperature: 0 } };
        const results = await sequence.controlledEvaluate(ids.map((id) => [id, { generateNext }]));
        choices.push(...results.map(({ next }) => next.token));
    }
    await model.dispose();
    return choices;
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function compare(Trit, llama, { name, make, atLeast = 0 }, i, texts) {
    const file = join(buildDir, `agree-${i}`);
    const model = make();
    writeFileSync(`${file}.trit`, writePacked(model));
    const cli = [join(repoDir, 'web/cli.js'), 'convert', `${file}.trit`, '-o', `${file}.gguf`];
    execFileSync(process.execPath, [...cli, '--head', 'f16', '--to', 'tq2_0']);
    const windows = texts.map((ids) => ids.map((id) => id % model.config.n_vocab));
    const ours = await tritChoices(Trit, `${file}.trit`, windows);
    const theirs = await llamaChoices(llama, `${file}.gguf`, windows);
    const other = ours.filter(({ id }, at) => id !== theirs[at]);
    const share = 1 - other.length / ours.length;
    const leads = [ours, other].map((list) => median(list.map(({ lead }) => lead)).toFixed(3));
    console.log(
        `${name}: the same token at ${ours.length - other.length} of ${ours.length} positions, ` +
            `${(100 * share).toFixed(1)} %; median lead in trit ${leads[0]}, where they differ ${leads[1]}`,
    );
    return share >= atLeast;
}

const [option] = process.argv.slice(2);
if (option === '--help') {
    process.stdout.write(help);
    process.exit(0);
}
if (option !== undefined) {
    process.stderr.write(`bench:agree: it has no options: "${option}"\n`);
    process.exit(2);
}
prepareTrit();
preparePeers();
mkdirSync(buildDir, { recursive: true });
const { Trit } = await import('../../../web/node.js');
const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
const logLevel = LlamaLogLevel.error;
const llama = await getLlama({ gpu: false, build: 'never', progressLogs: false, logLevel });
console.log(`llama.cpp ${llama.llamaCppRelease.release}, files of trit convert --to tq2_0`);
const texts = await makeTexts(Trit);
let fine = true;
for (const [i, model] of MODELS.entries())
    fine = (await compare(Trit, llama, model, i, texts)) && fine;
await llama.dispose();
process.exit(fine ? 0 : 1);
