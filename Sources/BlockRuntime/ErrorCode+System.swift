import Glibc

extension ErrorCode {
    /// What the error number of a failed system call asks of the person who runs the program.
    package init(systemError number: Int32) {
        switch number {
        case ENOSPC, EDQUOT, EFBIG: self = .noSpace
        case EACCES, EPERM, EROFS: self = .accessDenied
        case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP: self = .pathNotFound
        default: self = .ioFailed
        }
    }

    /// What the text of an error that ends in the system's own words for it asks; nil when they
    /// are not among those that have a code of their own.
    package init?(systemText text: String) {
        let numbers = [ENOSPC, EDQUOT, EFBIG, EACCES, EPERM, EROFS]
        guard let number = numbers.first(where: { text.contains(String(cString: strerror($0))) })
        else { return nil }
        self.init(systemError: number)
    }
}
