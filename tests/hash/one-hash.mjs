// One model, one hash: makes the runs of every platform and says what is wrong with their hashes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Trit } from '../../web/node.js';
import { repoDir } from '../../wasm/toolchain/paths.mjs';
import { allRuns, AXES, KVS, makeRuns } from './matrix.mjs';
import { platforms } from './platforms.mjs';
import { N_PROMPT } from './work.js';

const MODEL = 'models/tiny-tales/tiny-tales.trit';
const FLIPPED = 'build/hash/flipped.trit';

/** Three parts of one text, each after a BOS. */
async function makePrompts() {
    const text = readFileSync(join(repoDir, 'tests/golden/data/extract.txt'), 'utf8');
    const model = await Trit.load(join(repoDir, MODEL), { threads: 1, flavour: 'simd128' });
    const ids = await model.tokenize(text);
    model.close();
    const n = N_PROMPT - 1;
    const prompts = [0, n, 2 * n].map((at) => [model.info.bosId, ...ids.slice(at, at + n)]);
    if (prompts.at(-1).length < N_PROMPT) throw new Error('the text is too short for the prompts');
    return prompts;
}

/** A copy of the model in which one weight, the first of the first value projection, is another. */
function writeFlipped() {
    const bytes = readFileSync(join(repoDir, MODEL));
    const begin = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, begin));
    const at = begin + header['0.v'].data_offsets[0];
    // models/FORMAT.md: the first of the five codes of v is its digit of 81
    const v = Math.floor((bytes[at] * 243) / 256);
    bytes[at] = Math.ceil((256 * ((v + 81) % 243)) / 243);
    writeFileSync(join(repoDir, FLIPPED), bytes);
}

const line = (cells) => cells.map((cell) => String(cell).padEnd(9)).join(' ');

/** Makes the runs of one platform; returns them as rows with their hashes. */
async function runPlatform(name, platform, full, print) {
    const rows = [];
    const make = async (model, run) => {
        const hash = await platform.hash(model, run);
        if (hash === 'none') return false;
        const row = {
            platform: name,
            ...run,
            weights: model === MODEL ? 'as is' : 'flipped',
            hash,
        };
        print(line(Object.values(row)));
        rows.push(row);
        return true;
    };
    await makeRuns(allRuns(platform), full, (run) => make(MODEL, run));
    for (const kv of full ? KVS : KVS.slice(0, 1)) {
        const run = rows.find((row) => row.kv === kv);
        await make(FLIPPED, run);
    }
    return rows;
}

/** What is wrong with these hashes: more than one of a kind, or one of two kinds. */
function compare(rows, print) {
    const wrong = [];
    const kinds = new Map();
    for (const { kv, weights, hash } of rows) {
        const kind = `KV ${kv}, weights ${weights}`;
        kinds.set(kind, [...(kinds.get(kind) ?? []), hash]);
    }
    const owners = new Map();
    for (const [kind, hashes] of kinds) {
        const distinct = [...new Set(hashes)];
        print(`${kind}: ${hashes.length} runs, ${distinct.join(' and ')}`);
        if (distinct.length > 1) wrong.push(`${kind}: ${distinct.length} hashes`);
        const owner = owners.get(hashes[0]);
        if (owner) wrong.push(`${kind} has the hash of ${owner}`);
        owners.set(hashes[0], kind);
    }
    return wrong;
}

/**
 * The hashes of a model whose every address is above `ballast`, in Node.
 * @param {number} ballast bytes
 * @returns {Promise<string[]>} one for each flavour, with and without threads; and one without ballast
 */
export async function hashesAbove(ballast) {
    const node = await platforms.Node(await makePrompts());
    const run = { table: 'v128', slice: 64, history: 'fresh', kv: 'f16' };
    const hashes = [];
    for (const flavour of node.flavours)
        for (const threads of [1, 2])
            hashes.push(await node.hash(MODEL, { ...run, flavour, threads, ballast }));
    return [...hashes, await node.hash(MODEL, { ...run, flavour: 'simd128', threads: 1 })];
}

/**
 * @param {boolean} full all combinations, or each value of each axis on each platform
 * @param {(line: string) => void} print gets a line for every run and for every kind of hash
 * @param {string[]} [names] of platforms, without it all
 * @param {string[]} [tables] of kernels, without it all and the public interface
 * @returns {Promise<string[]>} what is wrong
 */
export async function oneHash(full, print, names = Object.keys(platforms), tables) {
    mkdirSync(join(repoDir, 'build/hash'), { recursive: true });
    writeFlipped();
    const prompts = await makePrompts();
    const all = [];
    const wrong = [];
    print(line(['platform', ...AXES, 'weights', 'hash']));
    for (const name of names) {
        if (!(name in platforms)) throw new Error(`there is no platform ${name}`);
        const platform = await platforms[name](prompts);
        if (tables) platform.tables = platform.tables.filter((table) => tables.includes(table));
        try {
            const rows = await runPlatform(name, platform, full, print);
            all.push(...rows);
            for (const table of platform.tables)
                if (!rows.some((row) => row.table === table))
                    wrong.push(`${name}: no flavour has the kernel table ${table}`);
        } finally {
            await platform.close();
        }
    }
    return [...wrong, ...compare(all, print)];
}
