import { TritError } from './errors.js';

/**
 * By what a file at an address is known again; what a server does not tell, or hides, is undefined.
 * @typedef {{etag?: string, modified?: string}} Version
 *
 * What an answer brings: the file's bytes from `from` up to `to`, where both are known.
 * @typedef {object} Brought
 * @property {number} from
 * @property {number} [to]
 * @property {number} [total] bytes of the whole file
 * @property {boolean} [isHidden] the server may have told it, but not to a page of another origin
 * @property {boolean} isCounted the protocol ends the body where it should
 * @property {Version} version
 */

/** A failure after which the same may be asked for again; `error` is what it is when it stays. */
export class Interruption extends Error {
    /**
     * @param {TritError} error
     * @param {number} [afterMs] without it, when one has waited as always
     */
    constructor(error, afterMs) {
        super(error.message);
        this.error = error;
        this.afterMs = afterMs;
    }
}

/** Seconds for which a server may ask to be left alone; a person does not wait longer. */
const MOST_RETRY_AFTER = 120;

/**
 * Reads what an answer says of itself, and refuses what is not the part that was asked for.
 * @param {Response} response
 * @param {string} url
 * @param {number} begin
 * @param {number} [end]
 * @returns {Brought}
 */
export function readResponse(response, url, begin, end) {
    const { status, headers } = response;
    const type = headers.get('content-type') ?? '';
    // browsers refuse this by themselves
    if (url.startsWith('https:') && response.url.startsWith('http:'))
        throw new TritError('NETWORK', `${url} leads to an address without https: tell its owner`);
    if (status === 416) return readUnsatisfied(response, url, begin);
    if (status >= 400) throw refused(response, url);
    if (/^text\/html\b/i.test(type))
        throw new TritError(
            'NOT_A_MODEL',
            `${url} is a page for people, not a model: give the address of the file itself, and ` +
                'see whether the network asks you to sign in',
        );
    if ((status !== 200 && status !== 206) || !response.body)
        throw new TritError(
            'SIZE',
            `the server answered ${status} and no bytes for ${url}: try again later`,
        );
    const version = readVersion(headers);
    const length = readLength(headers);
    const rest = { isCounted: length !== undefined, version };
    if (status === 206) return { ...readPart(response, url, begin, end, length), ...rest };
    if (length === 0)
        throw new TritError('SIZE', `the server sent an empty file for ${url}: see what is there`);
    return { from: 0, to: length, total: length, ...rest };
}

/** @param {Headers} headers */
function isEncoded(headers) {
    return !/^(identity)?$/i.test(headers.get('content-encoding') ?? '');
}

/**
 * The length of the bytes that will come: that of a compressed body says nothing about them.
 * @param {Headers} headers
 */
function readLength(headers) {
    const text = headers.get('content-length') ?? '';
    return /^\d{1,15}$/.test(text) && !isEncoded(headers) ? Number(text) : undefined;
}

/** @param {Headers} headers */
function readVersion(headers) {
    const etag = headers.get('etag') ?? undefined;
    const modified = headers.get('last-modified') ?? undefined;
    return { ...(etag && { etag }), ...(modified && { modified }) };
}

/**
 * Whether a file is another one. One server of many may tell another time of the same file, so that the ETag counts where
 * both have one; a weak one says enough, since the bytes are counted.
 * @param {Version} a
 * @param {Version} b
 */
export function isOther(a, b) {
    const plain = (/** @type {string} */ etag) => etag.replace(/^W\//, '');
    if (a.etag && b.etag) return plain(a.etag) !== plain(b.etag);
    return Boolean(a.modified && b.modified && a.modified !== b.modified);
}

/**
 * @param {Response} response
 * @param {string} url
 * @param {number} begin
 * @param {number | undefined} end
 * @param {number | undefined} length
 */
function readPart({ headers, type }, url, begin, end, length) {
    const wrong = (/** @type {string} */ what) =>
        new TritError(
            'RANGE',
            `the server sent ${what} of ${url} than was asked for: tell its owner`,
        );
    if (isEncoded(headers))
        throw new TritError(
            'ENCODING',
            `the server compresses parts of ${url}, which cannot be put together: let it send them as they are`,
        );
    if (/^multipart\//i.test(headers.get('content-type') ?? '')) throw wrong('other parts');
    const range = headers.get('content-range');
    // other origins hide it, unless they say otherwise
    if (range === null && type === 'cors') {
        const to = length === undefined ? undefined : begin + length;
        return { from: begin, to, total: end === undefined ? to : undefined, isHidden: true };
    }
    const [, ...numbers] = range?.match(/^bytes (\d+)-(\d+)\/(\d+)$/) ?? [];
    const [first, last, total] = numbers.map(Number);
    const fits =
        first === begin && last >= first && last < total && (end === undefined || last < end);
    if (!fits || !Number.isSafeInteger(total)) throw wrong('another part');
    if (length !== undefined && length !== last + 1 - first)
        throw new TritError(
            'SIZE',
            `the server announces two lengths of one part of ${url}: download it again`,
        );
    return { from: first, to: last + 1, total };
}

/**
 * Nothing is left from `begin` on: the end, when that is how long the file is.
 * @param {Response} response
 * @param {string} url
 * @param {number} begin
 * @returns {Brought}
 */
function readUnsatisfied({ headers }, url, begin) {
    const total = Number(headers.get('content-range')?.match(/^bytes \*\/(\d+)$/)?.[1]);
    if (total === begin && total > 0)
        return { from: begin, to: begin, total, isCounted: true, version: readVersion(headers) };
    if (begin === 0)
        throw new TritError('SIZE', `the server has an empty file at ${url}: see what is there`);
    throw new TritError(
        'SOURCE_CHANGED',
        `${url} is shorter than it was: delete the stored model and load it again`,
    );
}

/**
 * @param {Response} response
 * @param {string} url
 */
function refused({ status, headers }, url) {
    const why =
        status === 404 || status === 410
            ? 'there is no such file'
            : status === 401 || status === 403
              ? 'it wants a permission'
              : 'try again later';
    const error = new TritError('NETWORK', `the server answered ${status} for ${url}: ${why}`, {
        cause: { status },
    });
    if (status < 500 && status !== 429) return error;
    const seconds = readRetryAfter(headers.get('retry-after'));
    const tooLong = seconds !== undefined && seconds > MOST_RETRY_AFTER;
    return tooLong ? error : new Interruption(error, seconds && 1000 * seconds);
}

/**
 * Seconds, or a date.
 * @param {string | null} text
 */
function readRetryAfter(text) {
    if (text === null) return undefined;
    const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
    return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
