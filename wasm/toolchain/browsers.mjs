// The browsers of the web tests, one for each engine, as the system packages them.
import { existsSync } from 'node:fs';
import { capture, SetupError } from './run.mjs';
import { haveApt } from './apt.mjs';

// The screen of the engine that has no headless mode.
export const XVFB = '/usr/bin/Xvfb';

const BROWSERS = {
    chromium: {
        override: 'TRIT_CHROMIUM',
        program: '/usr/bin/chromium',
        packages: ['chromium'],
        what: 'Chromium or Chrome',
    },
    firefox: {
        override: 'TRIT_FIREFOX',
        program: '/usr/bin/firefox-esr',
        packages: ['firefox-esr'],
        what: 'Firefox',
    },
    webkit: {
        override: 'TRIT_WEBKIT',
        program: '/usr/bin/WebKitWebDriver',
        helpers: [XVFB],
        packages: ['webkit2gtk-driver', 'xvfb'],
        what: 'WebKitWebDriver with its MiniBrowser, and Xvfb',
    },
};

/** The program that starts this browser (for WebKit: its WebDriver). */
export function browserProgram(name) {
    const { override, program } = BROWSERS[name];
    return process.env[override] ?? program;
}

/** Why this browser cannot be started here, in one sentence, or null when it can. */
export function browserMissing(name) {
    const { override, helpers = [], packages, what } = BROWSERS[name];
    if ([browserProgram(name), ...helpers].every((path) => existsSync(path))) return null;
    return (
        `the tests in ${name} need ${what}: install it (on Debian: \`apt-get install ` +
        `${packages.join(' ')}\` as root) or set ${override} to the path of the program`
    );
}

function install(names) {
    const packages = names.flatMap((name) => BROWSERS[name].packages);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    // Another apt-get may be at work.
    const apt = (...args) =>
        capture('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], { env });
    apt('update');
    apt('-y', '--no-install-recommends', 'install', ...packages);
}

/** Installs what is missing. What cannot be had is an error in CI; elsewhere its tests are skipped, and say so. */
export function ensureBrowsers() {
    const missing = () => Object.keys(BROWSERS).filter(browserMissing);
    const wanted = missing().filter((name) => !(BROWSERS[name].override in process.env));
    if (wanted.length > 0 && process.getuid?.() === 0 && haveApt()) install(wanted);
    for (const name of missing()) {
        const reason = browserMissing(name);
        if (process.env.CI || BROWSERS[name].override in process.env) throw new SetupError(reason);
        console.log(`trit set-up: ${reason}`);
    }
}
