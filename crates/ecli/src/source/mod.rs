//! From an argument to bytes: a file, standard input or a URL, with the digest and where the bytes came from.
