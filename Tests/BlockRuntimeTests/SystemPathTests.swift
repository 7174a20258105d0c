import BlockRuntime
import Testing

@Suite("Paths of the system") struct SystemPathTests {
    @Test(
        "A path lies in the directory above it, however many slashes part them",
        arguments: [
            ("a", "."), ("a/", "."), ("a//", "."), ("a/b", "a"), ("a//b", "a"), ("a/b///", "a"),
            ("/a", "/"), ("/a//", "/"), ("//a", "/"), ("/a/b", "/a"), ("/", "/"), ("//", "/"),
        ] as [(SystemPath, SystemPath)])
    func parent(of path: SystemPath, is above: SystemPath) {
        #expect(path.parent == above)
    }
}
