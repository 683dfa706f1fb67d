import { configure } from '@testing-library/react';

// What is waited for comes, or the test hangs until its own limit: a busy machine must not fail it sooner.
configure({ asyncUtilTimeout: 15_000 });
