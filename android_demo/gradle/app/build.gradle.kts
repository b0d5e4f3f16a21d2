// Not run where this project is tested: see ../README.md.
plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

val demo = rootDir.parentFile

android {
    namespace = "pan.demo"
    compileSdk = 36

    defaultConfig {
        applicationId = "pan.demo"
        minSdk = 26
        targetSdk = 34
        versionCode = 1
        val version = demo.resolve("../pan_keras/__init__.py").readLines().first { it.startsWith("__version__ = ") }
        versionName = version.substringAfter('"').substringBefore('"')
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }

    sourceSets["main"].apply {
        manifest.srcFile(demo.resolve("app/src/main/AndroidManifest.xml"))
        res.setSrcDirs(listOf(demo.resolve("app/src/main/res")))
        assets.setSrcDirs(listOf(demo.resolve("build/assets")))
        kotlin.setSrcDirs(listOf("core", "engines", "app").map { demo.resolve("$it/src/main/kotlin") })
    }

    // A release is signed with the key that the environment names, as by build.sh.
    val keystore = System.getenv("PAN_KEYSTORE")
    signingConfigs {
        if (keystore != null) {
            create("release") {
                storeFile = file(keystore)
                storePassword = System.getenv("PAN_KEYSTORE_PASSWORD")
                keyAlias = System.getenv("PAN_KEY_ALIAS")
                keyPassword = System.getenv("PAN_KEY_PASSWORD") ?: System.getenv("PAN_KEYSTORE_PASSWORD")
            }
        }
    }
    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), demo.resolve("app/proguard.pro"))
            signingConfig = signingConfigs.findByName("release") ?: signingConfigs.getByName("debug")
        }
    }

    androidResources { noCompress += listOf("tflite", "onnx") }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    kotlin { jvmToolchain(17) }
}

dependencies {
    // The last LiteRT whose Interpreter takes delegates: that of 2.x runs on the processor alone.
    implementation("com.google.ai.edge.litert:litert:1.4.2")
    implementation("com.google.ai.edge.litert:litert-gpu:1.4.2")
    implementation("com.google.ai.edge.litert:litert-gpu-api:1.4.2")
    implementation("com.microsoft.onnxruntime:onnxruntime-android:1.27.0")
}
