// The chat page for tests: as `npm start` serves it, and as a static host does that sends no headers.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePackages } from '../../examples/chat/packages.mjs';
import { root, temporaryFolder } from './helpers.mjs';
import { startServer } from './server.mjs';

ensurePackages();
const { serveChat } = await import('../../examples/chat/serve.mjs');
export const { makeSite } = await import('../../examples/chat/site.mjs');

/** A copy of the page's folder, for tests that change it. */
export function copyPage(t) {
    const folder = temporaryFolder(t);
    cpSync(join(root, 'examples/chat/page'), folder, { recursive: true });
    return folder;
}

/** A copy in which a test says what the model says (scripted.js). */
export function scriptedPage(t) {
    const folder = copyPage(t);
    const file = join(folder, 'speaker.js');
    const before = readFileSync(file, 'utf8');
    const after = before.replace(/^(import .*) '.\/trit\/index.js';$/m, "$1 './scripted.js';");
    if (after === before) throw new Error('speaker.js imports the engine in another way now');
    writeFileSync(file, after);
    cpSync(join(root, 'tests/web/scripted.js'), join(folder, 'scripted.js'));
    return folder;
}

/**
 * Each test has a site of its own, as several may run at once.
 * @param {import('node:test').TestContext} t
 * @param {import('../../examples/chat/site.mjs').SiteOptions} [options]
 * @returns {string} its folder
 */
export const chatSite = (t, options) => makeSite({ folder: temporaryFolder(t), ...options });

/** @returns {Promise<{url: string, close: () => void}>} */
export async function serveWithHeaders(t, options) {
    const server = await serveChat({ folder: temporaryFolder(t), ...options });
    t.after(server.close);
    return server;
}

/** @returns {Promise<{url: string, close: () => void}>} */
export async function serveStatic(t, folder) {
    const { url, close } = await startServer({ folder });
    t.after(close);
    return { url: `${url}/`, close };
}
