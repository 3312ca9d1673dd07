// Browsers tell nobody when a worker ends without an error. A lock that it holds tells: it is free again.

/**
 * @callback Watch
 * @returns {{name: string, onEnd: (take: () => void) => void} | undefined} undefined where there are no locks, as in pages
 *   without https
 */

/** @type {Watch} the page's side: a name for a life, and who is told of its end once it has begun */
export function watchLife() {
    const { locks } = globalThis.navigator;
    if (!locks) return undefined;
    const name = `trit-life-${crypto.randomUUID()}`;
    return { name, onEnd: (take) => void locks.request(name, take) };
}

/**
 * The side that lives: holds the lock until its end.
 * @param {string} name
 * @returns {Promise<boolean>} whether it holds it
 */
export function holdLife(name) {
    return new Promise((resolve) => {
        const forEver = () => {
            resolve(true);
            return new Promise(() => {});
        };
        navigator.locks.request(name, forEver).catch(() => resolve(false));
    });
}
