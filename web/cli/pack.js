import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Engine } from '../engine.js';
import { throwIfAborted } from '../errors.js';
import { openNode, resolveNode, tryFile } from '../node-source.js';
import { isMasters, readAll, sideNames } from '../source.js';
import { parse, required, UsageError } from './options.js';
import { printJson, progressBar } from './output.js';

/**
 * Runs in this thread: a file is written piece by piece from inside one call of the engine.
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function pack(args, signal) {
    const { values, positionals } = parse(args, ['output', 'head', 'card', 'json'], 1);
    if (positionals.length === 0) throw new UsageError('SOURCE is missing');
    const out = required(values, 'output');
    const source = await resolveNode(positionals[0]);
    const card = values.card && (await tryFile(values.card, () => readFile(values.card, 'utf8')));
    // a place that cannot be written is found before the long work
    const file = await tryFile(out, () => new NewFile(out));
    const engine = await Engine.start({ flavour: 'simd128', threads: 1 });
    try {
        engine.beginLoad(values.head ?? 'as-is');
        await fill(engine, source, signal);
        engine.finishLoad({});
        throwIfAborted(signal);
        await tryFile(out, () => {
            engine.write(card ?? null, (bytes) => file.write(bytes));
            file.commit();
        });
    } catch (error) {
        file.discard();
        throw error;
    } finally {
        engine.close();
    }
    if (values.json) printJson({ out, bytes: file.nBytes });
    else process.stdout.write(`${out}: ${file.nBytes} bytes\n`);
}

/**
 * @param {Engine} engine
 * @param {import('../source.js').Source} source
 * @param {AbortSignal} signal
 */
async function fill(engine, source, signal) {
    if (isMasters(source))
        for (const name of sideNames) {
            const side = source[name];
            if (side !== undefined) engine.side(name, await readAll(side, openNode, signal));
        }
    const { total, chunks } = await openNode(isMasters(source) ? source.tensors : source, signal);
    const bar = progressBar('packing');
    let loaded = 0;
    try {
        for await (const chunk of chunks) {
            throwIfAborted(signal);
            engine.push(chunk);
            loaded += chunk.length;
            bar.update({ loaded, total });
        }
    } finally {
        bar.end();
    }
}

/** A file that appears under its name only when it is whole and on the disk. */
class NewFile {
    #path;
    #temporary;
    #file;
    nBytes = 0;

    /** @param {string} path */
    constructor(path) {
        this.#path = path;
        this.#temporary = `${path}.tmp`;
        this.#file = openSync(this.#temporary, 'w');
    }

    /** @param {Uint8Array} bytes */
    write(bytes) {
        for (let done = 0; done < bytes.length;) done += writeSync(this.#file, bytes, done);
        this.nBytes += bytes.length;
    }

    commit() {
        fsyncSync(this.#file);
        closeSync(this.#file);
        renameSync(this.#temporary, this.#path);
    }

    discard() {
        rmSync(this.#temporary, { force: true });
    }
}
