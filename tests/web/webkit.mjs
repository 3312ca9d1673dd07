// WebKit through the WebDriver that comes with the engine, which takes HTTP requests, on a screen of its own,
// because the browser that it starts has no headless mode.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { XVFB } from '../../wasm/toolchain/browsers.mjs';
import { failure, pageOpener, stopAtEnd } from './webdriver.mjs';

// Where in a session the commands of WebDriver are.
const ENDPOINTS = {
    SetTimeouts: 'POST /timeouts',
    GetWindowHandle: 'GET /window',
    SwitchToWindow: 'POST /window',
    CloseWindow: 'DELETE /window',
    NewWindow: 'POST /window/new',
    Navigate: 'POST /url',
    ExecuteScript: 'POST /execute/sync',
    FindElement: 'POST /element',
    ElementSendKeys: 'POST /element/{id}/value',
    ElementClick: 'POST /element/{id}/click',
    PerformActions: 'POST /actions',
    TakeScreenshot: 'GET /screenshot',
    SetWindowRect: 'POST /window/rect',
};

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
    return stopAtEnd(() => {
        driver.kill();
        screen.kill();
    });
}

/** One request; the answer's value, or an Error with the driver's words. */
async function request(method, url, body) {
    const response = await fetch(url, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw failure(value);
    return value;
}

async function openSession(driver) {
    for (let tries = 0; tries < 200; tries++) {
        const status = await request('GET', `${driver}/status`).catch(() => null);
        if (status?.ready) {
            const { sessionId } = await request('POST', `${driver}/session`, { capabilities: {} });
            return `${driver}/session/${sessionId}`;
        }
        await wait(50);
    }
    throw new Error('the WebDriver of WebKit did not start');
}

/** The driver at times never tells that a page has loaded; in another window it does. */
const twice = (open) => async (url) => {
    try {
        return await open(url);
    } catch (error) {
        if (!error.message.startsWith('timeout')) throw error;
        process.stderr.write(`WebKit's driver: ${url} is opened again after “${error.message}”\n`);
        return open(url);
    }
};

export async function launchWebKit(program, limits) {
    const port = await freePort();
    const stop = await startDriver(program, port);
    try {
        const session = await openSession(`http://127.0.0.1:${port}`);
        const send = (command, parameters) => {
            const [method, path] = ENDPOINTS[command].split(' ');
            const body = method === 'GET' ? undefined : parameters;
            return request(method, session + path.replace('{id}', parameters?.id), body);
        };
        const close = () => request('DELETE', session).finally(stop);
        return { open: twice(await pageOpener(send, limits)), close };
    } catch (error) {
        stop();
        throw error;
    }
}
