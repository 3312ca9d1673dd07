import { defaults } from './defaults.js';
import { TritError } from './errors.js';

/**
 * Where bytes can come from: an address, a file of the user, memory, or anything that yields bytes. As a whole source
 * a text may also be hf:owner/repository[@revision][/file] or catalog:id.
 * @typedef {string | URL | Blob | ArrayBuffer | Uint8Array | AsyncIterable<Uint8Array>
 *   | Iterable<Uint8Array>} Bytes
 *
 * A model of safetensors, with the files that stand beside it. With an index, the tensors are the files
 * that it names.
 * @typedef {object} Folder
 * @property {Bytes | Record<string, Bytes>} tensors
 * @property {Bytes} [index] model.safetensors.index.json
 * @property {Bytes} config
 * @property {Bytes} tokenizer
 * @property {Bytes} [tokenizerConfig]
 * @property {Bytes} [chatTemplate]
 * @property {Bytes} [generationConfig]
 *
 * A GGUF file in parts, by name and in their order.
 * @typedef {{parts: Record<string, Bytes>}} Parts
 *
 * The files of a model's folder, or the parts of a GGUF file, known by the ends of their names.
 * @typedef {FileList | (File | URL | string)[]} Files
 *
 * @typedef {Bytes | Folder | Parts | Files} Source
 *
 * A chunk is a copy that stays as it is until the third after it is asked for; an unknown total is undefined. Of an
 * address, by what its file is known again.
 * @typedef {object} Opened
 * @property {number | undefined} total
 * @property {AsyncIterable<Uint8Array>} chunks
 * @property {import('./responses.js').Version} [version]
 *
 * @typedef {import('./fetching.js').Want} Want of an address
 * @typedef {(source: Bytes, signal?: AbortSignal, want?: Want) => Promise<Opened>} Open
 */

const MOST_SIDE_BYTES = 32 << 20;

/** The side files and their names, in the order in which the loader wants them. */
export const sideFiles = Object.freeze({
    config: 'config.json',
    tokenizer: 'tokenizer.json',
    tokenizerConfig: 'tokenizer_config.json',
    chatTemplate: 'chat_template.jinja',
    generationConfig: 'generation_config.json',
    index: 'model.safetensors.index.json',
});

/**
 * @param {any} source
 * @returns {source is Folder}
 */
function isFolder(source) {
    return typeof source === 'object' && source !== null && 'tensors' in source;
}

/**
 * @param {any} source
 * @returns {source is Parts}
 */
const isParts = (source) => typeof source?.parts === 'object' && source.parts !== null;

/**
 * A list of files becomes the folder or the parts that they make, a single one itself; everything else
 * stays as it is.
 * @param {Source} source
 * @returns {Bytes | Folder | Parts}
 */
export function resolveFiles(source) {
    const isList = globalThis.FileList && source instanceof FileList;
    /** @type {any[]} */
    const list = isList || Array.isArray(source) ? Array.from(/** @type {any} */ (source)) : [];
    const names = list.map(fileName);
    // an array of other things may be pieces of a file
    if (list.length === 0 || names.includes('')) return /** @type {Bytes | Folder} */ (source);
    if (list.length === 1) return list[0];
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice) throw new TritError('PARAM', `two of the files have the name ${twice}`);
    const files = new Map(names.map((name, i) => [name, list[i]]));
    return partsOf(files) ?? folderOf(files, 'the list of files');
}

/** Base of the name, number and count, as llama-gguf-split writes them. */
export const partName = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/;

/**
 * All parts of a GGUF file; undefined when the files are none.
 * @param {Map<string, Bytes>} files by name; all are parts, or those that belong to `first` are looked for
 * @param {string} [first]
 * @returns {Parts | undefined}
 */
export function partsOf(files, first) {
    const names = [...files.keys()];
    const match = (first ?? names[0]).match(partName);
    if (!match || (!first && !names.every((name) => partName.test(name)))) return undefined;
    const [, base, , count] = match;
    /** @type {Record<string, Bytes>} */
    const parts = {};
    for (let i = 1; i <= Number(count); i++) {
        const name = `${base}-${String(i).padStart(5, '0')}-of-${count}.gguf`;
        const bytes = files.get(name);
        if (bytes === undefined)
            throw new TritError('FILE', `${name} is missing, a part of the model`);
        parts[name] = bytes;
    }
    // a name such as a-00003-of-00002 is not one that is given to a part
    if (first && !Object.hasOwn(parts, first)) return undefined;
    const other = first ? undefined : names.find((name) => !Object.hasOwn(parts, name));
    if (other) throw new TritError('FILE', `${other} is no part of ${base}`);
    return { parts };
}

/** @param {any} item */
function fileName(item) {
    if (item instanceof Blob) return 'name' in item ? String(item.name) : '';
    if (typeof item !== 'string' && !(item instanceof URL)) return '';
    return String(item).match(/([^\\/?#]+)([?#][^\\/]*)?$/)?.[1] ?? '';
}

/**
 * @param {Map<string, Bytes>} files by name
 * @param {string} place
 * @returns {Folder}
 */
export function folderOf(files, place) {
    const whole = files.get('model.safetensors');
    /** @type {Record<string, any>} */
    const folder = { tensors: whole ?? Object.fromEntries(files) };
    for (const [side, name] of Object.entries(sideFiles))
        if (files.has(name)) folder[side] = files.get(name);
    if (whole !== undefined) delete folder.index;
    else if (!folder.index)
        throw new TritError('NOT_A_MODEL', `${place} holds no model: model.safetensors is missing`);
    for (const side of /** @type {const} */ (['config', 'tokenizer']))
        if (!(side in folder))
            throw new TritError(
                'NOT_A_MODEL',
                `${place} holds no model: ${sideFiles[side]} is missing`,
            );
    return /** @type {any} */ (folder);
}

/**
 * The side files that there are: name and text.
 * @param {Bytes | Folder | Parts} source
 * @param {Open} open
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<[string, Uint8Array]>}
 */
export async function* readSides(source, open, signal) {
    if (!isFolder(source)) return;
    for (const name of /** @type {(keyof typeof sideFiles)[]} */ (Object.keys(sideFiles))) {
        const side = source[name];
        if (side !== undefined) yield [name, await readSide(sideFiles[name], side, open, signal)];
    }
}

/**
 * The files to push. Those of an index and parts have names.
 * @param {Bytes | Folder | Parts} source
 * @param {Uint8Array} [index] which the engine has found to be well-formed
 * @returns {{name?: string, bytes: Bytes}[]}
 */
export function tensorFiles(source, index) {
    if (isParts(source)) {
        const parts = Object.entries(source.parts);
        if (parts.length === 0) throw new TritError('PARAM', 'parts names no file');
        return parts.map(([name, bytes]) => ({ name, bytes }));
    }
    if (!isFolder(source)) return [{ bytes: source }];
    if (index === undefined) return [{ bytes: /** @type {Bytes} */ (source.tensors) }];
    const files = /** @type {Record<string, Bytes>} */ (source.tensors);
    const names = Object.values(JSON.parse(new TextDecoder().decode(index)).weight_map);
    return [...new Set(names)].map((name) => {
        if (!Object.hasOwn(files, name))
            throw new TritError('FILE', `${name} is missing, a file that the index names`);
        return { name, bytes: files[name] };
    });
}

/**
 * @param {unknown} source
 * @returns {source is string | URL}
 */
export const isAddress = (source) => typeof source === 'string' || source instanceof URL;

/**
 * What is no address.
 * @type {Open}
 */
export async function openBytes(source, signal, want) {
    if (source instanceof Blob) {
        const { begin = 0, end = source.size } = want ?? {};
        return { total: source.size, chunks: blobChunks(source.slice(begin, end)) };
    }
    if (source instanceof ArrayBuffer) return openBytes(new Uint8Array(source), signal);
    if (source instanceof Uint8Array) return { total: source.length, chunks: slices(source) };
    const iterable = /** @type {any} */ (source);
    const begin = iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator];
    if (typeof begin === 'function') return { total: undefined, chunks: copies(iterable) };
    throw new TritError('PARAM', 'the source is no address, file, bytes or stream of bytes');
}

/**
 * All bytes of a side file, unless they are more than the engine takes of any.
 * @param {string} name
 * @param {Bytes} source
 * @param {Open} open
 * @param {AbortSignal} [signal]
 */
async function readSide(name, source, open, signal) {
    const bytes = await readAll(await open(source, signal), MOST_SIDE_BYTES);
    if (!bytes) throw new TritError('BAD_JSON', `${name}: it is larger than 32 MiB`);
    return bytes;
}

/**
 * All bytes of a small file; undefined when it is not small.
 * @param {Opened} opened
 * @param {number} most
 */
export async function readAll({ chunks }, most) {
    /** @type {any[]} */
    const parts = [];
    let size = 0;
    for await (const chunk of chunks) {
        size += chunk.length;
        if (size > most) return undefined;
        parts.push(Uint8Array.from(chunk));
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** @param {Blob} blob */
async function* blobChunks(blob) {
    for (let at = 0; at < blob.size; at += defaults.chunkBytes) {
        const part = blob.slice(at, at + defaults.chunkBytes);
        try {
            yield new Uint8Array(await part.arrayBuffer());
        } catch (error) {
            throw TritError.from(error, 'FILE');
        }
    }
}

/** @param {Uint8Array} bytes */
async function* slices(bytes) {
    for (let at = 0; at < bytes.length; at += defaults.chunkBytes)
        yield Uint8Array.from(bytes.subarray(at, at + defaults.chunkBytes));
}

/** @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} iterable */
async function* copies(iterable) {
    for await (const chunk of iterable) {
        if (!(chunk instanceof Uint8Array))
            throw new TritError('PARAM', 'the source yields something else than Uint8Array');
        yield* slices(chunk);
    }
}

/** A folder's record of files in pieces goes so deep; what goes deeper is no source, and may hold itself. */
export const MOST_DEPTH = 3;

/**
 * Whether there is a second time to read it: a stream has none.
 * @param {any} source
 * @param {number} [depth]
 * @returns {boolean}
 */
export function isReadAgain(source, depth = MOST_DEPTH) {
    if (typeof source === 'string' || source instanceof URL || source instanceof Blob) return true;
    if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return true;
    if (typeof source !== 'object' || source === null || Symbol.asyncIterator in source)
        return false;
    if (Symbol.iterator in source && !Array.isArray(source)) return false;
    return depth > 0 && Object.values(source).every((each) => isReadAgain(each, depth - 1));
}
