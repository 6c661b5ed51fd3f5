import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Producers, consumers, both at once, and administrators that do what they are told. {@code
 * tests/real_clients/README.md} describes the language; {@code python/process_client.py} is the
 * other side.
 *
 * <p>Each client lives in a thread of its own, so that one that waits keeps nobody up. When the input
 * ends, the process dies as if it had been killed: no group is left, nothing is flushed.
 */
final class ClientProgram {
    /** A client: what a call is answered with is JSON, or null for a call without an answer. */
    interface Client {
        String call(String name, List<String> arguments);
    }

    private final Properties common;
    private final PrintStream output;
    private final Map<String, BlockingQueue<List<String>>> calls = new HashMap<>();

    private ClientProgram(Properties common, PrintStream output) {
        this.common = common;
        this.output = output;
    }

    public static void main(String[] arguments) throws IOException {
        PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        ClientProgram program = new ClientProgram(common(Wire.pairs(Arrays.asList(arguments))), output);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        program.answer("0", Wire.value("\"ready\""));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            List<String> words = List.of(line.split(" ", -1));
            program.queue(words.get(0)).add(words.subList(1, words.size()));
        }
        Runtime.getRuntime().halt(1);
    }

    private static Properties common(Map<String, String> options) {
        Properties common = new Properties();
        common.put("bootstrap.servers", options.get("bootstrap"));
        common.put("metadata.max.age.ms", "2000");
        common.put("reconnect.backoff.ms", "50");
        common.put("reconnect.backoff.max.ms", "250");
        return common;
    }

    private BlockingQueue<List<String>> queue(String number) {
        return calls.computeIfAbsent(number, absent -> {
            BlockingQueue<List<String>> queue = new LinkedBlockingQueue<>();
            Thread thread = new Thread(() -> serve(number, queue), "client " + number);
            thread.setDaemon(true);
            thread.start();
            return queue;
        });
    }

    /** The life of a client: its first call makes it, its last one is {@code close}. */
    private void serve(String number, BlockingQueue<List<String>> queue) {
        Client client = null;
        String name = null;
        while (!"close".equals(name)) {
            try {
                List<String> words = queue.take();
                name = words.get(0);
                List<String> arguments = words.subList(1, words.size());
                String answer = "null";
                if (client == null) {
                    client = make(name, Wire.pairs(arguments));
                } else {
                    answer = client.call(name, arguments);
                }
                if (answer != null) {
                    answer(number, Wire.value(answer));
                }
            } catch (InterruptedException interrupted) {
                return;
            } catch (RuntimeException error) {
                answer(number, Wire.error(error));
            }
        }
    }

    private Client make(String kind, Map<String, String> options) {
        return switch (kind) {
            case "producer" -> new ProducerClient(common, options);
            case "consumer" -> new ConsumerClient(common, options);
            case "transformer" -> new TransformerClient(common, options);
            case "admin" -> new AdminClient(common);
            default -> throw new IllegalArgumentException("no client: " + kind);
        };
    }

    private void answer(String number, String fields) {
        output.println("{\"client\":" + number + "," + fields + "}");
    }
}
