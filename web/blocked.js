import { TritError, untilAborted } from './errors.js';

// Browsers tell a page no more of a failed request than that it failed. What can be found out beside it stands here.

/** Milliseconds until a browser has told of a policy that it has applied. */
const VIOLATION_MS = 50;

/** What an address without a scheme is relative to; in Node there is none. */
export const pageAddress = () => globalThis.document?.baseURI ?? globalThis.location?.href;

/** Whether a browser's rules hold: Deno's workers, too, have an address, that of their file. */
const isOfPage = () => globalThis.location !== undefined && location.protocol !== 'file:';

/**
 * Looks out for a request that a policy forbids: that which this worker's file came with.
 * @param {string} url
 * @returns {{forbidden: () => Promise<boolean>, end: () => void}}
 */
export function watchPolicy(url) {
    const place = globalThis.document ?? globalThis;
    if (!isOfPage()) return { forbidden: async () => false, end: () => {} };
    const { href, origin } = new URL(url, pageAddress());
    let seen = false;
    const take = (/** @type {any} */ { blockedURI, effectiveDirective, disposition }) => {
        // of an address that a redirect leads to, it names the one that was asked for, or its origin
        const ours = blockedURI === origin || blockedURI === href.replace(/#.*/, '');
        if (ours && effectiveDirective === 'connect-src' && disposition !== 'report') seen = true;
    };
    place.addEventListener('securitypolicyviolation', take);
    return {
        async forbidden() {
            if (!seen) await new Promise((resolve) => setTimeout(resolve, VIOLATION_MS));
            return seen;
        },
        end: () => place.removeEventListener('securitypolicyviolation', take),
    };
}

/** @param {string} url */
export const policyError = (url) =>
    new TritError(
        'CSP',
        `the content security policy of the page's worker forbids ${url}, or where it leads: name its host in connect-src`,
    );

/** @param {string} url */
export function isForeign(url) {
    return isOfPage() && new URL(url, pageAddress()).origin !== location.origin;
}

/**
 * Whether the server is there for requests whose answer the page may not read. In a page that is cross-origin isolated
 * even those fail, so that nothing is known.
 * @param {string} url
 * @param {number} mostMs for its answer
 * @param {AbortSignal} [signal]
 */
export async function isThere(url, mostMs, signal) {
    const late = AbortSignal.timeout(mostMs);
    try {
        await untilAborted(
            fetch(url, { mode: 'no-cors', method: 'HEAD', cache: 'no-store', signal: late }),
            signal,
        );
        return true;
    } catch {
        return false;
    }
}

/**
 * @param {string} url
 * @param {unknown} cause
 */
export const corsError = (url, cause) =>
    new TritError(
        'CORS',
        `the browser does not let this page read ${url}: its server must send access-control-allow-origin, also ` +
            'where it redirects to (or it cannot be reached at all: browsers do not tell the two apart)',
        { cause },
    );
