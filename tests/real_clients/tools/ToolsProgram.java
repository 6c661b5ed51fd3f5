import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.common.utils.internals.Exit;

/**
 * Calls the tools of Apache Kafka one after the other, without a start of the virtual machine for each.
 * What a tool reads is given, what it writes is caught, and its exit ends only the call.
 *
 * <p>It speaks the language of {@code tests/real_clients/README.md}, with one call: {@code run CLASS INPUT
 * ARGUMENT...}, the input and the arguments as Base64. The answer is the exit code, the output, and what
 * was written to standard error.
 */
final class ToolsProgram {
    /** Thrown where a tool would end the process; an error, because tools catch exceptions. */
    private static final class Exited extends Error {
        private static final long serialVersionUID = 1;

        Exited() {
            super(null, null, false, false);
        }
    }

    private final InputStream input = System.in;
    private final PrintStream output = System.out;
    private final List<Runnable> hooks = new ArrayList<>();
    private Integer exitCode;

    public static void main(String[] arguments) throws IOException {
        new ToolsProgram().serve();
    }

    private void serve() throws IOException {
        Exit.setExitProcedure(this::exit);
        Exit.setHaltProcedure(this::exit);
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        BufferedReader lines = new BufferedReader(new InputStreamReader(input, StandardCharsets.UTF_8));
        answer("0", "\"ready\"");
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            List<String> words = List.of(line.split(" ", -1));
            answer(words.get(0), words.get(1).equals("run") ? run(words.subList(2, words.size())) : "null");
        }
        Runtime.getRuntime().halt(1);
    }

    private void exit(int code, String message) {
        // A tool may catch what is thrown here and exit once more.
        exitCode = exitCode == null ? code : exitCode;
        throw new Exited();
    }

    private String run(List<String> words) {
        String[] arguments = words.stream().skip(2).map(ToolsProgram::text).toArray(String[]::new);
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        PrintStream standardError = System.err;
        exitCode = null;
        hooks.clear();
        System.setIn(new ByteArrayInputStream(Base64.getDecoder().decode(words.get(1))));
        System.setOut(new PrintStream(written, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
        try {
            call(words.get(0), arguments);
            hooks.forEach(Runnable::run);
        } finally {
            System.setIn(input);
            System.setOut(output);
            System.setErr(standardError);
        }
        return "[" + (exitCode == null ? 0 : exitCode) + "," + base64(written) + "," + base64(errors) + "]";
    }

    private void call(String tool, String[] arguments) {
        try {
            Class.forName(tool).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (InvocationTargetException thrown) {
            if (!(thrown.getCause() instanceof Exited)) {
                // As the virtual machine ends when nobody catches.
                thrown.getCause().printStackTrace();
                exitCode = 1;
            }
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException("no tool: " + tool, error);
        }
    }

    private void answer(String number, String value) {
        output.println("{\"client\":" + number + ",\"value\":" + value + "}");
        output.flush();
    }

    private static String text(String word) {
        return new String(Base64.getDecoder().decode(word), StandardCharsets.UTF_8);
    }

    private static String base64(ByteArrayOutputStream bytes) {
        return "\"" + Base64.getEncoder().encodeToString(bytes.toByteArray()) + "\"";
    }
}
