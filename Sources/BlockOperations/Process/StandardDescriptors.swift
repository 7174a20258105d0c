import Glibc

/// The descriptors 0, 1 and 2, which belong to standard input, output and error whatever happens.
package enum StandardDescriptors {
    /// Takes those that the parent process left closed, so that no file or socket gets their
    /// numbers: what is printed would be written into it.
    ///
    /// They are opened the wrong way round: reading from or writing to them fails as it would have
    /// failed before.
    /// - Precondition: Called first thing in `main`, before anything is opened.
    package static func reserve() {
        for descriptor in STDIN_FILENO...STDERR_FILENO {
            guard fcntl(descriptor, F_GETFD) < 0, errno == EBADF else { continue }
            // The lowest free number is this one: those below it are taken.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
