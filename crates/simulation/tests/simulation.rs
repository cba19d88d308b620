//! Some seeds, the same seed twice, and rules broken on purpose.
