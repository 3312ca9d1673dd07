import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaults } from './defaults.js';
import { TritError } from './errors.js';
import { openUrl } from './fetching.js';
import { folderOf, isAddress, openBytes, partName, partsOf, sideFiles } from './source.js';

/**
 * What is no path: an address, or a name of the hub's, the catalogue's or the store's.
 * @param {unknown} source
 * @returns {source is string | URL}
 */
export const isRemote = (source) =>
    typeof source === 'string'
        ? /^(https?|hf|catalog|stored):/.test(source)
        : source instanceof URL && source.protocol !== 'file:';

/** @type {import('./source.js').Open} */
export async function openNode(source, signal, want) {
    if (!isAddress(source)) return openBytes(source, signal, want);
    if (isRemote(source)) return openUrl(source, signal, want);
    const path = asPath(source);
    const { size } = await tryFile(path, () => stat(path));
    return { total: size, chunks: fileChunks(path) };
}

/**
 * A folder, a safetensors file in one with a config.json, or a part of a GGUF file becomes the files of
 * it; everything else stays as it is.
 * @param {import('./source.js').Source} source
 * @returns {Promise<import('./source.js').Source>}
 */
export async function resolveNode(source) {
    if (!isAddress(source) || isRemote(source)) return source;
    const path = asPath(source);
    const isFolder = (await tryFile(path, () => stat(path))).isDirectory();
    const isPart = partName.test(basename(path));
    if (!isFolder && !isPart && !path.endsWith('.safetensors')) return path;
    const folder = isFolder ? path : dirname(path);
    const names = await tryFile(folder, () => readdir(folder));
    const files = new Map(names.map((name) => [name, join(folder, name)]));
    if (isFolder) return ggufOf(files, folder) ?? folderOf(files, folder);
    if (isPart) return partsOf(files, basename(path)) ?? path;
    files.set('model.safetensors', path);
    return folderOf(files, folder);
}

/**
 * What a folder without safetensors has of GGUF: one file, or the parts of one.
 * @param {Map<string, string>} files by name
 * @param {string} folder
 */
function ggufOf(files, folder) {
    const found = new Map([...files].filter(([name]) => name.endsWith('.gguf')));
    const isOther = files.has(sideFiles.index) || files.has('model.safetensors');
    if (found.size === 0 || isOther) return undefined;
    if (found.size === 1) return [...found.values()][0];
    const parts = partsOf(found);
    if (!parts) throw new TritError('FILE', `${folder} has several GGUF files: name one`);
    return parts;
}

/** @param {string | URL} source */
function asPath(source) {
    try {
        return source instanceof URL ? fileURLToPath(source) : source;
    } catch (error) {
        throw TritError.from(error, 'PARAM');
    }
}

/**
 * Reads into three buffers in turn: fresh memory for each piece takes longer than reading it. Shared
 * ones, which need not be handed back.
 * @param {string} path
 */
async function* fileChunks(path) {
    const file = await tryFile(path, () => open(path));
    const buffers = [0, 1, 2].map(() => new Uint8Array(new SharedArrayBuffer(defaults.chunkBytes)));
    try {
        for (let i = 0; ; i = (i + 1) % 3) {
            const { bytesRead } = await tryFile(path, () => file.read(buffers[i]));
            if (bytesRead === 0) return;
            yield buffers[i].subarray(0, bytesRead);
        }
    } finally {
        await file.close();
    }
}

/**
 * The work on a file, with failures in words.
 * @template T
 * @param {string} path
 * @param {() => Promise<T> | T} work
 * @returns {Promise<T>}
 */
export async function tryFile(path, work) {
    try {
        return await work();
    } catch (error) {
        throw fileError(path, error);
    }
}

/** @type {Record<string, string>} */
const sentences = {
    ENOENT: 'there is no such file or folder',
    EISDIR: 'it is a folder, not a file',
    ENOTDIR: 'a part of the path is not a folder',
    EACCES: 'access is denied',
    ENOSPC: 'the disk is full',
    EROFS: 'the file system is read-only',
    EBUSY: 'it is in use, or a mounted file system: name another place',
};

/**
 * @param {string} path
 * @param {any} error
 */
export function fileError(path, error) {
    if (error instanceof TritError) return error;
    const sentence = sentences[error?.code] ?? error?.message ?? String(error);
    return new TritError('FILE', `${path}: ${sentence}`, { cause: error });
}
