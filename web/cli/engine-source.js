import { throwIfAborted } from '../errors.js';
import { isRemote, openNode, resolveNode } from '../node-source.js';
import { placeOf } from '../place.js';
import { Meter } from '../progress.js';
import { readSides, tensorFiles } from '../source.js';
import { progressBar } from './output.js';

/** @typedef {import('../engine.js').Engine} Engine */

/**
 * The paths in a resolved source.
 * @param {any} source
 * @returns {string[]}
 */
function pathsOf(source) {
    if (typeof source !== 'string') return Object.values(source).flatMap(pathsOf);
    return isRemote(source) ? [] : [source];
}

/**
 * A model's files, found but not read yet; those of a hub are asked for when they are read.
 * @param {string} path
 * @param {string} [hub]
 */
export async function openSource(path, hub) {
    const source = await resolveNode(path);
    const place = await placeOf(source, { hub });
    return {
        paths: pathsOf(source),
        /**
         * @param {Engine} engine
         * @param {Record<string, any>} values options of the command line: head, i2s
         * @param {string} what the progress bar's word
         * @param {AbortSignal} signal
         */
        async load(engine, values, what, signal) {
            engine.beginLoad({ head: values.head, i2s: values.i2s });
            await push(engine, await place.find(openNode, signal), what, signal);
            const { warning } = await engine.finishLoad({}, { aborted: false });
            if (warning) process.stderr.write(`trit: warning: ${warning}\n`);
        },
    };
}

/**
 * @param {Engine} engine
 * @param {Awaited<ReturnType<import('../place.js').Place['find']>>} source
 * @param {string} what
 * @param {AbortSignal} signal
 */
async function push(engine, source, what, signal) {
    let index;
    for await (const [name, text] of readSides(source, openNode, signal)) {
        engine.side(name, text);
        if (name === 'index') index = text;
    }
    const files = tensorFiles(source, index);
    const bar = progressBar(what);
    const meter = new Meter(bar.update, what);
    let loaded = 0;
    try {
        for (const { name, bytes } of files) {
            if (name !== undefined) engine.shard(name);
            const { total, chunks } = await openNode(bytes, signal);
            for await (const chunk of chunks) {
                throwIfAborted(signal);
                engine.push(chunk);
                loaded += chunk.length;
                meter.advance(loaded, files.length === 1 ? total : undefined);
            }
        }
    } finally {
        bar.end();
    }
}
