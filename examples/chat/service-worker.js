// Keeps the page's own files, so that it needs no network, and gives them the headers that not every host sends. Only
// what has the hash that SHELL says is kept or given. SHELL, which site.mjs puts in front of this file, is all
// that makes one version: browsers notice that it is another one, and keep the old one until nobody has it open.
/* global SHELL */
const { version, headers, files } = SHELL;
const scope = self.registration.scope;
const OURS = `trit-shell ${scope} `; // other pages of this host may have the same files
const byName = new Map(files.map((file) => [file.name, file]));

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(dropOthers()));
self.addEventListener('fetch', (event) => {
    const file = fileOf(event.request);
    if (file) event.respondWith(answer(file, event.request));
});
self.addEventListener('message', (event) => {
    const calls = { control: () => self.clients.claim(), keep: () => keepAll(), use: useNow };
    const [port] = event.ports;
    const answered = calls[event.data]?.().then(
        (value) => port.postMessage(value ?? true),
        () => port.postMessage(false),
    );
    event.waitUntil(answered);
});

async function install() {
    try {
        await keepAll();
    } catch (error) {
        await caches.delete(OURS + version);
        for (const page of await pages())
            page.postMessage({ notKept: error.message, isRefused: error instanceof Refused });
        throw error;
    }
}

/** A file that is not what SHELL says. */
class Refused extends Error {}

async function keepAll() {
    const cache = await caches.open(OURS + version);
    await Promise.all(
        files.map(async (file) => {
            if (await kept(file, cache)) return;
            const bytes = (await keptBefore(file)) ?? (await fetched(file));
            await cache.put(addressOf(file), new Response(bytes));
        }),
    );
    return true;
}

async function dropOthers() {
    for (const name of await caches.keys())
        if (name.startsWith(OURS) && name !== OURS + version) await caches.delete(name);
}

const addressOf = ({ name }) => scope + name;

/** The file that is asked for; a page's address may have more words in it. */
function fileOf({ method, url }) {
    if (method !== 'GET' || !url.startsWith(scope)) return undefined;
    const path = url.slice(scope.length).replace(/[?#].*/, '');
    return byName.get(path === '' ? 'index.html' : decodeURIComponent(path));
}

async function isRight(bytes, { sha256 }) {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return sha256 === Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function kept(file, cache) {
    const response = await cache.match(addressOf(file));
    const bytes = await response?.arrayBuffer();
    return bytes && (await isRight(bytes, file)) ? bytes : undefined;
}

async function keptBefore(file) {
    for (const name of await caches.keys()) {
        const bytes = name.startsWith(OURS) && (await kept(file, await caches.open(name)));
        if (bytes) return bytes;
    }
    return undefined;
}

async function fetched(file) {
    const url = file.name === 'index.html' ? scope : addressOf(file);
    const response = await fetch(url, { cache: 'no-cache' });
    if (response.status !== 200) throw new Error(`${url} answers ${response.status}`);
    const bytes = await response.arrayBuffer();
    if (!(await isRight(bytes, file)))
        throw new Refused(`${url} is not what this version of the page is made of`);
    return bytes;
}

async function answer(file, request) {
    try {
        const bytes = await (async () =>
            (await kept(file, await caches.open(OURS + version))) ?? (await fetched(file)))();
        return partOf(bytes, file, request.headers.get('range'));
    } catch (error) {
        return new Response(`${error.message}\n`, { status: 503, headers });
    }
}

/** Models are asked for in ranges. */
function partOf(bytes, { type, sha256 }, range) {
    const own = {
        ...headers,
        'content-type': type,
        etag: `"${sha256}"`,
        'accept-ranges': 'bytes',
        // else browsers take files of the version before from their memory
        'cache-control': 'no-cache',
    };
    const [, from, to] = range?.match(/^bytes=(\d+)-(\d*)$/) ?? [];
    if (from === undefined) return new Response(bytes, { headers: own });
    const [begin, end] = [Number(from), Math.min(Number(to || Infinity), bytes.byteLength - 1)];
    const isThere = begin <= end;
    own['content-range'] = `bytes ${isThere ? `${begin}-${end}` : '*'}/${bytes.byteLength}`;
    return new Response(isThere ? bytes.slice(begin, end + 1) : null, {
        status: isThere ? 206 : 416,
        headers: own,
    });
}

/** The windows that this worker has, or could have. */
async function pages() {
    const all = await self.clients.matchAll({ includeUncontrolled: true, type: 'window' });
    return all.filter(({ url }) => url.startsWith(scope));
}

/** The new version begins now, unless a second window has the old one, which would get files of both. */
async function useNow() {
    if ((await pages()).length > 1) return false;
    void self.skipWaiting(); // some browsers let it wait for the old worker's last answers
    return true;
}
