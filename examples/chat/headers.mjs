// The headers of every answer, and which hosts models may come from.
import { readFileSync } from 'node:fs';

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

/** An origin as a policy names it, and nothing more: a semicolon in it would begin another rule. */
const ORIGIN = /^https?:\/\/(\*\.)?([a-z0-9-]+\.)*[a-z0-9-]+(:\d{1,5})?$/;

/**
 * @param {string} text an origin, or the name of a host, which is then asked by https
 * @returns {string} its origin
 */
export function originOf(text) {
    const origin = (text.includes('://') ? text : `https://${text}`).toLowerCase();
    if (!ORIGIN.test(origin))
        throw new Error(
            `"${text}" is no host that models can come from: write its name or origin, as in example.org or https://example.org:8443`,
        );
    return origin;
}

/**
 * @param {string[]} [allowed] hosts besides those of hosts.json
 * @returns {Record<string, string>}
 */
export function headersFor(allowed = []) {
    const hosts = [...read('hosts.json'), ...allowed.map(originOf)].join(' ');
    const fill = ([name, value]) => [name, value.replace('{hosts}', hosts)];
    return Object.fromEntries(Object.entries(read('headers.json')).map(fill));
}
