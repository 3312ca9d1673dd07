// Child processes for the set-up: quiet when all is well, the tool's own words when it is not.
import { spawnSync } from 'node:child_process';

/** An error that the set-up prints as one line, without a stack. */
export class SetupError extends Error {}

/** Standard output of `command`; a SetupError with the end of its standard error if it fails. */
export function capture(command, args, options = {}) {
    const child = spawnSync(command, args, {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        stdio: ['ignore', 'pipe', 'pipe'],
        ...options,
    });
    if (child.error || child.status !== 0) {
        const said = child.error?.message ?? (child.stderr || child.stdout).trim().slice(-2000);
        throw new SetupError(`${command} ${args.join(' ').slice(0, 200)} failed: ${said}`);
    }
    return child.stdout;
}

/** Like capture, but null instead of an error: for asking whether a tool is there and works. */
export function probe(command, args, options = {}) {
    try {
        return capture(command, args, options);
    } catch {
        return null;
    }
}

/** The first dotted number in a tool's `--version`, as an array, or null when it does not run. */
export function versionOf(command, options = {}) {
    const match = probe(command, ['--version'], options)?.match(/(\d+)\.(\d+)(?:\.(\d+))?/);
    return match ? match.slice(1).map((part) => Number(part ?? 0)) : null;
}

export function atLeast(version, wanted) {
    if (!version) return false;
    for (let i = 0; i < wanted.length; i++) {
        if (version[i] !== wanted[i]) return version[i] > wanted[i];
    }
    return true;
}
