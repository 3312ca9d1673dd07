// Firefox through Marionette, the WebDriver that it has inside: JSON over a socket, each message after its length.
// Not through WebDriver BiDi: with a session of puppeteer, Firefox ESR 153 at times blocks for ever inside
// `new Worker()` in a worker, also in a page that has nothing of trit. Of its starts of a worker that starts 7
// others 4 of 4 blocked, of one that starts 2 others 4 of 100; through Marionette none of 200 each, and of 200
// (with 7) none in a Firefox without a driver.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    realpathSync,
    renameSync,
    rmSync,
    statSync,
    writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { repoDir } from '../../wasm/toolchain/paths.mjs';
import { killTree } from './processes.mjs';
import { failure, pageOpener, stopAtEnd } from './webdriver.mjs';

// Any free port; no search for codecs on the network; no processes before there are pages; after crashes it starts as ever; STYLE holds.
const PREFERENCES = `
    user_pref("marionette.port", 0);
    user_pref("media.gmp-manager.updateEnabled", false);
    user_pref("dom.ipc.processPrelaunch.enabled", false);
    user_pref("toolkit.startup.max_resumed_crashes", -1);
    user_pref("browser.sessionstore.resume_from_crash", false);
    user_pref("toolkit.legacyUserProfileCustomizations.stylesheets", true);
`;

/** Its windows may be as narrow as a phone. */
const STYLE = ':root { min-width: 0 !important }';

/** Its own scripts, compiled, and for what version: a profile that has them is as empty, and started sooner. */
const COMPILED = ['startupCache', 'compatibility.ini'];

/** Where this version's are kept. */
function compiledOf(program) {
    const { mtimeMs, size } = statSync(realpathSync(program));
    return join(repoDir, `build/firefox-start-${Math.floor(mtimeMs)}-${size}`);
}

function takeCompiled(program, profile) {
    const compiled = compiledOf(program);
    if (existsSync(compiled) && !existsSync(join(profile, COMPILED[0])))
        cpSync(compiled, profile, { recursive: true });
}

/** Several tests may do this at once; who cannot leaves it to the next one. */
function keepCompiled(program, profile) {
    const compiled = compiledOf(program);
    mkdirSync(dirname(compiled), { recursive: true });
    const own = mkdtempSync(`${compiled}.`);
    try {
        for (const name of COMPILED)
            cpSync(join(profile, name), join(own, name), { recursive: true });
        renameSync(own, compiled);
    } catch {
        rmSync(own, { recursive: true, force: true });
    }
}

/**
 * Starts the browser, without a folder with an empty profile; it asks the network for nothing by itself.
 * @param {string} program
 * @param {string | undefined} kept
 * @param {Record<string, string | number | boolean>} preferences
 */
function startBrowser(program, kept, preferences) {
    const profile = kept ?? mkdtempSync(join(tmpdir(), 'trit-firefox-'));
    const more = Object.entries(preferences).map(
        ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`,
    );
    takeCompiled(program, profile);
    writeFileSync(join(profile, 'user.js'), PREFERENCES + more.join(''));
    mkdirSync(join(profile, 'chrome'), { recursive: true });
    writeFileSync(join(profile, 'chrome/userChrome.css'), STYLE);
    rmSync(portFile(profile), { force: true }); // of one that was killed
    const args = ['--headless', '--no-remote', '--marionette', '--profile', profile];
    // Marionette gives the browser preferences for tests; that for remote settings holds with this only.
    const env = { ...process.env, MOZ_REMOTE_SETTINGS_DEVTOOLS: '1' };
    const browser = spawn(program, args, { env, stdio: 'ignore' });
    const stop = stopAtEnd(() => {
        browser.kill('SIGKILL');
        // It may still be at work there for a moment.
        if (!kept) rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    });
    return { browser, profile, stop };
}

const portFile = (profile) => join(profile, 'MarionetteActivePort');

async function portOf({ browser, profile }) {
    const file = portFile(profile);
    for (let tries = 0; tries < 600 && browser.exitCode === null; tries++) {
        const port = Number(await readFile(file, 'utf8').catch(() => 0));
        if (port) return port;
        await wait(50);
    }
    throw new Error('Firefox did not start');
}

async function* messages(socket) {
    let bytes = Buffer.alloc(0);
    for await (const chunk of socket) {
        bytes = Buffer.concat([bytes, chunk]);
        for (;;) {
            const begin = bytes.indexOf(':') + 1;
            const end = begin + Number(bytes.subarray(0, begin - 1));
            if (begin === 0 || bytes.length < end) break;
            yield JSON.parse(bytes.subarray(begin, end));
            bytes = bytes.subarray(end);
        }
    }
}

/** Sends commands one after the other, each when the one before has its answer. */
async function connectTo(port) {
    const socket = connect(port, '127.0.0.1');
    const received = messages(socket);
    const next = async () => {
        const { value, done } = await received.next();
        if (done) throw new Error('Firefox has ended');
        return value;
    };
    await next(); // a greeting
    let id = 0;
    return async (command, parameters = {}) => {
        const message = JSON.stringify([0, ++id, command, parameters]);
        socket.write(`${Buffer.byteLength(message)}:${message}`);
        const [, , error, result] = await next();
        if (error) throw failure(error);
        return 'value' in result ? result.value : result;
    };
}

async function startSession(started) {
    const send = await connectTo(await portOf(started));
    await send('WebDriver:NewSession');
    return send;
}

/** It writes what it has compiled when it ends by itself. */
async function compileOnce(program) {
    if (existsSync(compiledOf(program))) return;
    const started = startBrowser(program, undefined, {});
    try {
        const send = await startSession(started);
        const ended = once(started.browser, 'exit');
        await send('Marionette:Quit', { flags: ['eAttemptQuit'] }).catch(() => {}); // its end is what counts
        const [code] = await Promise.race([ended, wait(30_000, [null], { ref: false })]);
        if (code === 0) keepCompiled(program, started.profile);
    } finally {
        started.stop();
    }
}

export async function launchFirefox(program, { profile, preferences, ...limits }) {
    await compileOnce(program);
    const started = startBrowser(program, profile, preferences);
    try {
        const send = await startSession(started);
        const command = (name, parameters) => send(`WebDriver:${name}`, parameters);
        const open = await pageOpener(command, limits, 'tab'); // which costs less than a window
        const { pid } = started.browser;
        const kill = () => killTree(pid).then(started.stop);
        return { open, pid, kill, close: async () => started.stop() };
    } catch (error) {
        started.stop();
        throw error;
    }
}
