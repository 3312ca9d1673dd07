// Other work on the machine while something is measured.
import { spawn } from 'node:child_process';

/** So many processes that never rest, until this one ends. Returns their ids. */
export function keepBusy(n) {
    // A parent may end without a last word.
    const script = `while (process.ppid === ${process.pid});`;
    return Array.from({ length: n }, () => {
        const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
        child.unref();
        process.once('exit', () => child.kill());
        return child.pid;
    });
}
