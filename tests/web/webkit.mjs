// WebKit through W3C WebDriver: a few JSON requests to the driver that comes with the engine, on a screen
// of its own, because the browser that the driver starts has no headless mode.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { XVFB } from '../../wasm/toolchain/browsers.mjs';

// Runs in a fresh page. The protocol can tell nothing of errors and the console, so the page collects them
// itself; and this driver goes on before a page has loaded when the page got a process of its own.
const PREPARE = `
    const troubles = (window.troubles = []);
    window.addEventListener('error', ({ message }) => troubles.push(message));
    window.addEventListener('unhandledrejection', ({ reason }) => troubles.push(String(reason)));
    for (const level of ['debug', 'info', 'log', 'warn', 'error'])
        console[level] = (...words) => troubles.push(words.join(' '));
    if (document.readyState === 'complete') return;
    return new Promise((resolve) => window.addEventListener('load', () => resolve()));
`;

async function freePort() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    return port;
}

/**
 * Starts a screen and the driver on it. The GTK build of WebKit keeps SharedArrayBuffer switched off,
 * which Safari gives to pages that are cross-origin isolated.
 */
async function startDriver(program, port) {
    const stdio = ['ignore', 'ignore', 'inherit', 'pipe'];
    const screen = spawn(XVFB, ['-displayfd', '3', '-nolisten', 'tcp'], { stdio });
    const number = await Promise.race([
        once(screen.stdio[3], 'data'),
        once(screen, 'exit').then(() => Promise.reject(new Error(`${XVFB} did not start`))),
    ]);
    const display = `:${String(number).trim()}`;
    const env = { ...process.env, DISPLAY: display, JSC_useSharedArrayBuffer: '1' };
    const driver = spawn(program, [`--port=${port}`], { env, stdio: 'inherit' });
    const stop = () => {
        driver.kill();
        screen.kill();
    };
    // A test file that fails before it closes the browser leaves nothing running.
    process.once('exit', stop);
    return stop;
}

/** One request; the answer's value, or an Error with the driver's words. */
async function request(method, url, body) {
    const response = await fetch(url, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
}

async function newSession(driver, capabilities) {
    for (let tries = 0; tries < 200; tries++) {
        const status = await request('GET', `${driver}/status`).catch(() => null);
        if (status?.ready) {
            const { sessionId } = await request('POST', `${driver}/session`, { capabilities });
            return `${driver}/session/${sessionId}`;
        }
        await wait(50);
    }
    throw new Error('the WebDriver of WebKit did not start');
}

export async function launchWebKit(program, limit) {
    const port = await freePort();
    const stop = await startDriver(program, port);
    try {
        const capabilities = { alwaysMatch: { timeouts: { script: limit } } };
        const session = await newSession(`http://127.0.0.1:${port}`, capabilities);
        const first = await request('GET', `${session}/window`);
        const close = () => request('DELETE', session).finally(stop);
        return { open: openerOf(session, first), close };
    } catch (error) {
        stop();
        throw error;
    }
}

function openerOf(session, first) {
    // Commands go to the current window, so those of several pages must not mingle.
    let last = Promise.resolve();
    const inWindow = (handle, method, path, body) => {
        const command = last.then(async () => {
            await request('POST', `${session}/window`, { handle });
            return request(method, `${session}/${path}`, body);
        });
        last = command.catch(() => {});
        return command;
    };

    return async (url) => {
        // The first window stays empty: a new one can be opened from an open one only.
        const { handle } = await inWindow(first, 'POST', 'window/new', { type: 'window' });
        const post = (path, body) => inWindow(handle, 'POST', path, body);
        const execute = (script) => post('execute/sync', { script, args: [] });
        await post('url', { url });
        await execute(PREPARE);
        return {
            run: (expression) => execute(`return ${expression}`),
            uploadFile: async (selector, text) => {
                const found = await post('element', { using: 'css selector', value: selector });
                await post(`element/${Object.values(found)[0]}/value`, { text });
            },
            troubles: () => execute('return window.troubles'),
            close: () => inWindow(handle, 'DELETE', 'window'),
        };
    };
}
