import { defaults } from './defaults.js';
import { TritError } from './errors.js';
import { folderOf, partName, partsOf, readAll } from './source.js';

/** @typedef {import('./source.js').Open} Open */
/** @typedef {import('./source.js').Files} Files */

/**
 * A repository of the hub, and a file in it.
 * @typedef {object} Named
 * @property {string} hub its address
 * @property {string} repository owner/name
 * @property {string} revision
 * @property {string} [file]
 */

/** The list of a repository's files takes some hundred bytes for each. */
const MOST_LISTING_BYTES = 8 << 20;

/**
 * What hf:owner/repository[@revision][/file] names.
 * @param {string} text
 * @param {string} [hub]
 * @returns {Named}
 */
export function parseNamed(text, hub = defaults.hub) {
    const [, repository, revision = 'main', file] =
        text.match(/^hf:([\w.-]+\/[\w.-]+)(?:@([^/]+))?(?:\/(.+))?$/) ?? [];
    const parts = [...(repository?.split('/') ?? ['']), ...(file?.split('/') ?? [])];
    if (parts.some((part) => /^\.{0,2}$/.test(part)))
        throw new TritError('PARAM', `"${text}" is not hf:owner/repository[@revision][/file]`);
    return { hub: hub.replace(/\/+$/, ''), repository, revision: tryDecode(revision), file };
}

/** @param {string} text */
function tryDecode(text) {
    try {
        return decodeURIComponent(text);
    } catch (error) {
        throw TritError.from(error, 'PARAM');
    }
}

/**
 * @param {Named} named
 * @param {string} file
 */
export function addressOf({ hub, repository, revision }, file) {
    const path = file.split('/').map(encodeURIComponent).join('/');
    return `${hub}/${repository}/resolve/${encodeURIComponent(revision)}/${path}`;
}

/**
 * The same for everything that is in the repository or in the file's folder.
 * @param {Named} named
 */
export const pageOf = ({ hub, repository, revision, file }) =>
    `${hub}/${repository}/tree/${encodeURIComponent(revision)}${file ? `/${file}` : ''}`;

/**
 * Whether the file is all of a model, so that nobody needs to be asked what else there is.
 * @param {string} file
 */
export const isWholeModel = (file) => !/\.(safetensors|json)$/.test(file) && !partName.test(file);

/**
 * Asks the hub what is in the repository, and chooses the files of a model.
 * @param {Named} named
 * @param {Open} open
 * @param {AbortSignal} [signal]
 * @returns {Promise<import('./source.js').Source>}
 */
export async function findFiles(named, open, signal) {
    const { names, revision } = await readListing(named, open, signal);
    const folder = named.file?.replace(/[^/]*$/, '') ?? '';
    const here = names.filter(
        (name) => name.startsWith(folder) && !name.slice(folder.length).includes('/'),
    );
    const pinned = { ...named, revision };
    const files = new Map(here.map((name) => [name.slice(folder.length), addressOf(pinned, name)]));
    const wanted = named.file?.slice(folder.length);
    if (wanted === undefined) return choose(files, named);
    if (partName.test(wanted)) {
        const parts = partsOf(files, wanted);
        if (parts) return parts;
    }
    if (!files.has(wanted))
        throw new TritError('FILE', `${named.repository} has no ${named.file}: ${list(names)}`);
    // tensors in one file of another name, too, and an index of others
    if (wanted.endsWith('.safetensors'))
        files.set('model.safetensors', /** @type {string} */ (files.get(wanted)));
    else files.delete('model.safetensors');
    return folderOf(files, named.repository);
}

/**
 * A packed file before GGUF, and that before safetensors; of several GGUF files that in I2_S.
 * @param {Map<string, string>} files by name
 * @param {Named} named
 * @returns {import('./source.js').Source}
 */
function choose(files, named) {
    const names = [...files.keys()];
    const trit = names.filter((name) => name.endsWith('.trit'));
    if (trit.length > 0) return /** @type {string} */ (files.get(only(trit, named)));
    const isFirst = (/** @type {string} */ name) =>
        (name.match(partName)?.[2] ?? '00001') === '00001';
    const gguf = names.filter((name) => name.endsWith('.gguf') && isFirst(name));
    const ours = gguf.filter((name) => /i2_s/i.test(name));
    if (gguf.length > 0) {
        const name = only(gguf.length > 1 && ours.length > 0 ? ours : gguf, named);
        return partsOf(files, name) ?? /** @type {string} */ (files.get(name));
    }
    return folderOf(files, named.repository);
}

/**
 * @param {string[]} names
 * @param {Named} named
 */
function only(names, { repository }) {
    if (names.length > 1)
        throw new TritError(
            'PARAM',
            `${repository} has several models, name one (hf:${repository}/FILE): ${list(names)}`,
        );
    return names[0];
}

/** @param {string[]} names */
const list = (names) =>
    `it has ${names.slice(0, 20).join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`;

/**
 * The names of all files, and the revision that they are of.
 * @param {Named} named
 * @param {Open} open
 * @param {AbortSignal} [signal]
 */
async function readListing(named, open, signal) {
    const { hub, repository, revision } = named;
    const url = `${hub}/api/models/${repository}/revision/${encodeURIComponent(revision)}`;
    const wrong = (/** @type {string} */ what, /** @type {unknown} */ cause) =>
        new TritError('MANIFEST', `what the hub says of ${repository} ${what}: name the file`, {
            cause,
        });
    let answer;
    try {
        const bytes = await readAll(await open(url, signal), MOST_LISTING_BYTES);
        if (!bytes) throw wrong('is too long', undefined);
        answer = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (error) {
        const isOurs = error instanceof TritError && error.code !== 'NOT_A_MODEL';
        throw isOurs ? error : wrong('cannot be read', error);
    }
    const names = answer?.siblings?.map?.((/** @type {any} */ file) => file?.rfilename);
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
        throw wrong('holds no list of files', undefined);
    const isCommit = /^[0-9a-f]{40}$/.test(answer.sha);
    return { names: [...new Set(names)], revision: isCommit ? answer.sha : revision };
}
