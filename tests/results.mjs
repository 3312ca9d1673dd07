// Counts of one suite, read from the report that its test runner wrote.
import { readFileSync } from 'node:fs';

function readReport(file) {
    try {
        return readFileSync(file, 'utf8');
    } catch {
        return '';
    }
}

// A runner that ends badly without naming a failed test (it crashed, it found none) has failed once.
function withVerdict(counts, fine) {
    return fine || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

/** Counts from ctest's JUnit file; `fine` is whether ctest exited with zero. */
export function readCtest(file, fine) {
    const head = readReport(file).match(/<testsuite\b[^>]*>/)?.[0] ?? '';
    const count = (name) => Number(head.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
    const [failed, skipped] = [count('failures'), count('skipped') + count('disabled')];
    return withVerdict({ passed: count('tests') - failed - skipped, failed, skipped }, fine);
}

/** Counts from the closing comments of node:test's TAP; `fine` is whether node exited with zero. */
export function readTap(file, fine) {
    const text = readReport(file);
    const count = (name) => Number(text.match(new RegExp(`^# ${name} (\\d+)$`, 'm'))?.[1] ?? 0);
    const failed = count('fail') + count('cancelled');
    return withVerdict(
        { passed: count('pass'), failed, skipped: count('skipped') + count('todo') },
        fine,
    );
}
