import { pageAddress } from './blocked.js';
import { findInCatalog } from './catalog.js';
import { TritError } from './errors.js';
import { addressOf, findFiles, isWholeModel, pageOf, parseNamed } from './hub.js';
import { MOST_DEPTH, isReadAgain, resolveFiles } from './source.js';

/** @typedef {ReturnType<typeof resolveFiles>} Resolved */

/**
 * Where a model comes from.
 * @typedef {object} Place
 * @property {string[]} [addresses] by which the store knows it, of files their names; without them it is not stored
 * @property {{name: string, hub?: string}} [named] by which it is found again, where that is no address
 * @property {string} [storedId] it is one of the store's
 * @property {(open: import('./source.js').Open, signal?: AbortSignal, about?: any) => Promise<Resolved>} find its files;
 *   asks the network only where that is needed to know them; about: what is stored with it
 * @property {boolean} canAgain whether it can be read a second time
 * @property {string} [sha256] as the catalogue promises, like
 * @property {number} [bytes]
 * @property {string | null} [licence]
 */

/**
 * @param {import('./source.js').Source} source
 * @param {{hub?: string}} options
 * @returns {Promise<Place>}
 */
export async function placeOf(source, { hub }) {
    if (hub !== undefined && !(typeof hub === 'string' && /^https?:\/\//.test(hub)))
        throw new TritError('PARAM', 'hub is not an address of http or https');
    if (typeof source === 'string' && source.startsWith('catalog:'))
        return {
            ...(await placeInCatalog(source.slice('catalog:'.length), hub)),
            named: { name: source, hub },
        };
    if (typeof source === 'string' && source.startsWith('hf:'))
        return { ...placeInHub(parseNamed(source, hub)), named: { name: source, hub } };
    if (typeof source === 'string' && source.startsWith('stored:')) return placeInStore(source);
    const files = resolveFiles(source);
    const addresses = namesOf(files, (each) => addressOfFile(each) ?? nameOfFile(each));
    return { addresses, find: async () => files, canAgain: isReadAgain(files) };
}

/** @param {string} source */
function placeInStore(source) {
    const storedId = source.slice('stored:'.length);
    if (!/^[0-9a-f]{64}$/.test(storedId))
        throw new TritError(
            'PARAM',
            `"${source}" is no stored model: write stored: and an id of Trit.models(), 64 hexadecimal digits in lower case`,
        );
    return { storedId, find: findAgain, canAgain: true };
}

/**
 * The files of a stored model, when something of it is missing.
 * @param {import('./source.js').Open} open
 * @param {AbortSignal} [signal]
 * @param {{source: string[], named?: {name: string, hub?: string}}} [about] what is kept with it
 * @returns {Promise<Resolved>}
 */
async function findAgain(open, signal, about) {
    if (about?.named) return (await placeOf(about.named.name, about.named)).find(open, signal);
    const addresses = about?.source ?? [];
    if (addresses.length === 0 || addressesOf(addresses) === undefined)
        throw new TritError(
            'IMPORT_AGAIN',
            'a part of what is stored is missing or damaged, and it came from a file: load that file again, of ' +
                'which only that part is read',
        );
    return resolveFiles(addresses.length === 1 ? addresses[0] : addresses);
}

/** @param {import('./hub.js').Named} named */
function placeInHub(named) {
    if (named.file !== undefined && isWholeModel(named.file)) {
        const address = addressOf(named, named.file);
        return { addresses: [address], find: async () => address, canAgain: true };
    }
    /** @type {Place['find']} */
    const find = async (open, signal) => resolveFiles(await findFiles(named, open, signal));
    return { addresses: [pageOf(named)], find, canAgain: true };
}

/**
 * @param {string} id
 * @param {string} [hub]
 */
async function placeInCatalog(id, hub) {
    const model = await findInCatalog(id);
    const named = parseNamed(`hf:${model.source.repository}`, hub);
    const { licence } = model;
    if (model.files.length !== 1) return { ...placeInHub(named), licence };
    const [{ name, sha256, bytes }] = model.files;
    return {
        ...placeInHub({ ...named, file: name }),
        sha256: sha256 ?? undefined,
        bytes: bytes ?? undefined,
        licence,
    };
}

/**
 * The addresses that a source is made of; undefined when something else belongs to it.
 * @param {any} files
 * @returns {string[] | undefined}
 */
export const addressesOf = (files) => namesOf(files, addressOfFile);

/** @param {any} file */
function addressOfFile(file) {
    if (typeof file !== 'string' && !(file instanceof URL)) return undefined;
    try {
        const { protocol, href } = new URL(file, pageAddress()); // in Node what has no scheme is a path
        return /^https?:$/.test(protocol) ? href : undefined;
    } catch {
        return undefined;
    }
}

/**
 * What a file of the user's is known again by.
 * @param {any} file
 */
function nameOfFile(file) {
    if (!(globalThis.File && file instanceof File) || !file.name) return undefined;
    return `file:${file.name}, ${file.size} bytes, ${file.lastModified}`;
}

/**
 * @param {any} files
 * @param {(file: any) => string | undefined} nameOf
 * @param {number} [depth]
 * @returns {string[] | undefined} undefined when one has none
 */
function namesOf(files, nameOf, depth = MOST_DEPTH) {
    const isFile = typeof files === 'string' || files instanceof URL || files instanceof Blob;
    if (isFile) {
        const name = nameOf(files);
        return name === undefined ? undefined : [name];
    }
    if (ArrayBuffer.isView(files) || files instanceof ArrayBuffer) return undefined;
    if (typeof files !== 'object' || files === null || Symbol.asyncIterator in files)
        return undefined;
    if (depth === 0) return undefined;
    const all = [];
    for (const value of Object.values(files)) {
        const own = namesOf(value, nameOf, depth - 1);
        if (!own) return undefined;
        all.push(...own);
    }
    return all.length > 0 ? all : undefined;
}
