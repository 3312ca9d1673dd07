// The browser of the web tests: Chromium as the system packages it.
import { existsSync } from 'node:fs';
import { capture, SetupError } from './run.mjs';
import { haveApt } from './apt.mjs';

const CHROMIUM = '/usr/bin/chromium';

export function ensureChromium() {
    if (process.env.TRIT_CHROMIUM) {
        if (existsSync(process.env.TRIT_CHROMIUM)) return;
        throw new SetupError(
            'TRIT_CHROMIUM names no file: set it to the path of a Chromium or Chrome',
        );
    }
    if (existsSync(CHROMIUM)) return;
    if (process.getuid?.() !== 0 || !haveApt()) {
        throw new SetupError(
            'the browser tests need Chromium: install it (on Debian: `apt-get install chromium` as root) ' +
                'or set TRIT_CHROMIUM to the path of a Chromium or Chrome',
        );
    }
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    capture('apt-get', ['-qq', 'update'], { env });
    capture('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', 'chromium'], { env });
}
